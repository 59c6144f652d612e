"""The intake room: what people give us as files becomes values of the domain, or a list of everything that is wrong."""
