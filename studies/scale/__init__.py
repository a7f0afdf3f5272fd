"""Memory and time of training, export and benchmark on folders of ever more photographs."""
