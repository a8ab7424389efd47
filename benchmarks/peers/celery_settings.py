"""Celery, tuned as its manual advises for tasks that must not be lost: quorum queue, publisher confirms, late acknowledgement."""

from __future__ import annotations

from celery import Celery  # type: ignore[import-not-found]
from kombu import Queue

from benchmarks.peers.commands import BROKER_URL, QUEUE


def tuned(name: str, *, prefetch: int) -> Celery:
    """An application that takes `prefetch` tasks a worker thread or process ahead."""
    app = Celery(name, broker=BROKER_URL)
    app.conf.update(
        task_default_queue=QUEUE,
        task_default_queue_type="quorum",
        task_queues=[Queue(QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"})],
        broker_transport_options={"confirm_publish": True},
        worker_detect_quorum_queues=True,
        worker_prefetch_multiplier=prefetch,
        task_acks_late=True,
        task_ignore_result=True,
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
    )
    return app
