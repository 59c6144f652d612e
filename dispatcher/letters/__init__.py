"""From an order to a finished letter: PDF, fax pages, HTML, text, MIME. Knows no channel, no store, no schedule."""

from .address import Order
from .hand import Hand, open_nursery
from .nursery import Nursery
from .printer import Printer, Rendered, render_in_process
from .seal import Signing

__all__ = ["Hand", "Nursery", "Order", "Printer", "Rendered", "Signing", "open_nursery", "render_in_process"]
