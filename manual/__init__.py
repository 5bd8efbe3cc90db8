"""The manual pages, made from docs/ and from the code's own tables: ``make man``. docs/adr/0007-manual-pages.md"""
