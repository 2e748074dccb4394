"""One self-contained HTML page for the result of a proof or a check: `make demo`, `make chaos`, `make bench`,
`make verify`.

- `model` is what a page shows; whoever has the results fills it.
- `charts` draws figures as SVG; `page` puts everything into one file, without a script and without the network.
- `markdown` fills in the generated parts of a page in docs/.
"""
