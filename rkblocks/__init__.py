"""rkblocks."""
