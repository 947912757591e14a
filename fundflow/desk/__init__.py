"""The desk: pages where everything meets: home, the application page, the pipeline board."""
