"""Storms of faxes: gateways with every fault mixed in, before one telephone network that writes down each call."""
