"""Folders of image files: listed, read and decoded once."""
