"""Alive, ready, measured and described: the routes by which a service's API is watched."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from chassis.health import meta, render_metrics
from chassis.service import Service
from chassis.web import public


def add_health_routes(app: Flask, service: Service, document: Callable[[], dict[str, Any]]) -> None:
    """Add /healthz /readyz /metrics /meta /openapi.json /docs; an API is ready when its store answers."""

    @app.get("/healthz")
    @public
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    @public
    def readyz() -> tuple[Response, int]:
        if service.store.answers():
            return jsonify(status="ready"), 200
        response = jsonify(status="not ready")
        response.headers["Retry-After"] = "1"
        return response, 503

    @app.get("/metrics")
    @public
    def metrics_page() -> Response:
        return Response(render_metrics(service), content_type=CONTENT_TYPE_LATEST)

    @app.get("/meta")
    @public
    def meta_page() -> Response:
        return jsonify(meta(service))

    @app.get("/openapi.json")
    @public
    def openapi() -> Response:
        return jsonify(document())

    @app.get("/docs")
    @public
    def docs() -> Response:
        return Response(_docs_page(document()), mimetype="text/html")


def _docs_page(document: dict[str, Any]) -> str:
    """The OpenAPI document as a page to read, without script."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{html.escape(document['info']['title'])}</title>",
        "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}code,pre{background:#8881;padding:.1em .3em;border-radius:4px}"
        "summary{cursor:pointer;padding:.3rem 0}pre{overflow:auto;padding:1rem}b{display:inline-block;min-width:4.5em}</style>",
        f"<h1>{html.escape(document['info']['title'])}</h1><p>The whole document: <a href=openapi.json>openapi.json</a></p>",
    ]
    for path, operations in sorted(document.get("paths", {}).items()):
        for method, operation in operations.items():
            if not isinstance(operation, dict):
                continue
            summary = operation.get("summary") or ""
            parts.append(
                f"<details><summary><b>{html.escape(method.upper())}</b> <code>{html.escape(path)}</code> {html.escape(summary)}</summary>"
                f"<pre>{html.escape(json.dumps(operation, indent=1, ensure_ascii=False))}</pre></details>"
            )
    return "\n".join(parts)
