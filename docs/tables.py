"""Write the table of keys into the README again, from the program's own table of actions.

python docs/tables.py
"""

from __future__ import annotations

from pathlib import Path

from socialtriage.ui.keymaps import markdown_table

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- keys -->", "<!-- /keys -->"


def main() -> None:
    """Replace what stands between the two markers."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n\n{markdown_table().strip()}\n\n{END}{after}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
