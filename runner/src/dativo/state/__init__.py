"""Where states are kept between runs."""
