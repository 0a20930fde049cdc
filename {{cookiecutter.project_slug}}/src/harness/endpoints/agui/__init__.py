"""The service as front ends that speak AG-UI know it."""
