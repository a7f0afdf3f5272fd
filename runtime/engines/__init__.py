"""The engines that run model files, behind one protocol."""
