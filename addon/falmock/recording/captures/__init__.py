"""Reads captures of other tools as exchanges: HARs and vcrpy's cassettes."""
