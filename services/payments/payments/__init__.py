"""The payments service owns deposits and refunds, so that money moves once and is known to have moved."""
