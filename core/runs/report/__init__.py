"""The story of one run for somebody who was not there: sections, slides, one HTML file."""
