"""The charts of the HTML report, as SVG."""

# Matplotlib gives most keyword arguments no type: hence what these modules tell pyright.
