"""One file a provider, all behind the shape in `base`. A channel never raises for a delivery failure."""
