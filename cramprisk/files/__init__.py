"""Files of any size: read in pieces, each row given what its medicine says, written whole or not at all.

:func:`cramprisk.files.scan.scan` does it; ``cramprisk scan`` is its command line.
"""
