"""Writes Sources/Text/CanonicalCompositionTable.swift from Unicode's data as Python has it.

Usage: make_composition_table.py FILE

The decompositions are those of one step, as UnicodeData.txt lists them; a composition is allowed where NFC keeps the
character. What the normaliser of the PyPI package tokenizers does not decompose is left out.
"""
import pathlib, sys, unicodedata
from tokenizers import normalizers

known = normalizers.NFD()
entries = []
for value in range(0x110000):
    if 0xD800 <= value < 0xE000 or 0xAC00 <= value < 0xD7A4: continue
    parts = unicodedata.decomposition(chr(value))
    if not parts or parts.startswith("<") or known.normalize_str(chr(value)) == chr(value): continue
    composes = unicodedata.normalize("NFC", chr(value)) == chr(value)
    entries.append(f"{value:X}{'=' if composes else '~'}{'+'.join(f'{int(part, 16):X}' for part in parts.split())}")
lines, line = [], ""
for entry in entries:
    if len(line) + len(entry) + 1 > 100:
        lines.append(line)
        line = ""
    line += ("" if not line else " ") + entry
lines.append(line)
text = "\n".join("        " + line for line in lines)
pathlib.Path(sys.argv[1]).write_text(f'''// Written by Tests/TextTests/Fixtures/make_composition_table.py from Unicode's data.

extension CanonicalComposition {{
    /// Each character with a canonical decomposition, in hexadecimal: `=` where the two parts compose to it again,
    /// `~` where they do not.
    static let entries = """
{text}
        """
}}
''')
