"""From an order to a finished letter: PDF, fax pages, HTML, text, MIME. Knows no channel, no store, no schedule."""

from .address import Order
from .hand import Hand
from .printer import Printer, Rendered, render_in_process
from .seal import Signing

__all__ = ["Hand", "Order", "Printer", "Rendered", "Signing", "render_in_process"]
