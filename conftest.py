"""For every suite: generated cases may take as long as they take, since machines are slow at times."""

from hypothesis import HealthCheck, settings

settings.register_profile("dativo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dativo")
