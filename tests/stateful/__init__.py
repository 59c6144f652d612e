"""The engine driven step by step in every order that Hypothesis finds, beside a model that knows only what is true."""
