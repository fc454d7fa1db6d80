/// The one style sheet of all pages: no file, font or image from elsewhere.
///
/// The hues are those of Okabe and Ito's palette, which the common kinds of colour blindness keep
/// apart; light and dark take different strengths of them, so that lines keep their contrast.
enum PageStyle {
    static let css = colours + layout + charts

    private static let colours = """
        :root {
          color-scheme: light dark;
          --page: #fbfaf7; --card: #ffffff; --ink: #1c2024; --soft: #5b636b; --rule: #e3e1da; --grid: #ecebe5;
          --federated: #0067a6; --no-swap: #c77700; --local: #00805c; --base: #8a8f94; --accent: #0067a6;
          --up: #8b4a9c; --down: #00798c;
          --series-3: #a8487f; --series-4: #c24a00; --series-5: #2a86bd; --series-6: #857400;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171a; --card: #1c2024; --ink: #e8eaec; --soft: #9aa3ab; --rule: #2e343a; --grid: #2a2f35;
            --federated: #63b8ee; --no-swap: #f0ab3c; --local: #3fc49a; --base: #8d959c; --accent: #63b8ee;
            --up: #d08fe0; --down: #4cc3d4;
            --series-3: #e79bc6; --series-4: #ff8a4c; --series-5: #9ad6f7; --series-6: #efe163;
          }
        }

        """

    private static let layout = """
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          margin: 0; background: var(--page); color: var(--ink);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums;
        }
        main { max-width: 1120px; margin: 0 auto; padding: 44px 24px 64px; }
        .eyebrow {
          margin: 0 0 6px; color: var(--accent); font-size: 13px; font-weight: 600;
          letter-spacing: .08em; text-transform: uppercase;
        }
        h1 { margin: 0; font-size: 34px; line-height: 1.15; letter-spacing: -.015em; font-weight: 650; }
        .subtitle { margin: 8px 0 0; color: var(--soft); }
        h2 { margin: 44px 0 4px; font-size: 21px; letter-spacing: -.005em; font-weight: 650; }
        h2 + p { margin: 0 0 16px; max-width: 72ch; color: var(--soft); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px; margin: 30px 0 0; }
        .tile, figure {
          background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
        }
        .tile { padding: 16px 18px 15px; }
        .tile dt { color: var(--soft); font-size: 14px; }
        .tile dd { margin: 0; }
        .tile .figure { font-size: 32px; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; }
        .tile .figure small { font-size: 17px; font-weight: 500; letter-spacing: 0; }
        .tile .note { color: var(--soft); font-size: 14px; line-height: 1.4; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; }
        figure { margin: 0; padding: 18px 20px 14px; display: flex; flex-direction: column; min-width: 0; }
        figcaption h3 { margin: 0; font-size: 16px; font-weight: 620; }
        figure > svg, figure > .scroll, figure > .annotated { margin-bottom: 10px; }
        figcaption p { margin: 2px 0 10px; color: var(--soft); font-size: 14px; line-height: 1.45; }
        figure svg { width: 100%; height: auto; display: block; }
        figure svg.chart { max-width: 640px; }
        figure .scroll details { margin-top: 10px; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 8px; padding: 0; list-style: none; font-size: 13px; }
        .legend li { display: flex; align-items: center; gap: 6px; }
        .legend svg { width: 12px; height: 12px; margin: 0; flex: none; }
        .legend svg.long { width: 32px; }
        figure.wide { grid-column: 1 / -1; }
        svg.wide { min-width: 640px; }
        .annotated { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2; }
        mark { color: inherit; background: color-mix(in srgb, var(--series) 20%, transparent); text-decoration: underline 2px var(--series); text-underline-offset: 3px; border-radius: 3px; padding: 1px 2px; }
        mark sub { font-size: 10px; font-weight: 600; margin-left: 1px; }
        mark.dash-1 { text-decoration-style: dashed; }
        mark.dash-2 { text-decoration-style: dotted; }
        mark.dash-3 { text-decoration-style: double; }
        mark.dash-4 { text-decoration-style: wavy; text-decoration-thickness: 1px; }
        details { margin-top: auto; border-top: 1px solid var(--rule); padding-top: 8px; font-size: 14px; }
        summary { cursor: pointer; color: var(--soft); font-size: 13px; }
        summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td { padding: 6px 14px 6px 0; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
        th { font-weight: 600; color: var(--soft); }
        th:first-child, td:first-child { text-align: left; }
        tbody th { font-weight: 500; color: var(--ink); }
        tr:last-child th, tr:last-child td { border-bottom: 0; }
        .plain td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
        .plain th { text-align: left; width: 1%; }
        .narrow { width: auto; }
        .reasons td { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 12ch; }
        .reasons thead th { text-align: left; white-space: normal; }
        .claims { margin: 6px 0 14px; padding-left: 20px; max-width: 80ch; color: var(--soft); }
        .claims strong { color: var(--ink); font-weight: 600; }
        .claims strong::after { content: ":"; }
        .verdicts { margin: 0 0 16px; padding: 0; list-style: none; display: grid; gap: 6px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); }
        .verdicts li {
          display: grid; grid-template-columns: 112px 1fr; gap: 10px; padding: 7px 12px; font-size: 14px;
          background: var(--card); border: 1px solid var(--rule); border-left: 4px solid var(--verdict); border-radius: 6px;
        }
        .verdicts strong { color: var(--verdict); font-weight: 650; }
        .verdicts span { display: block; color: var(--soft); }
        .holds { --verdict: var(--local); }
        .fails { --verdict: var(--series-4); }
        .stack { display: grid; gap: 16px; margin-bottom: 16px; grid-template-columns: minmax(0, 1fr); }
        section > details { margin-top: 16px; }
        details.more { border-top: 0; padding-top: 0; }
        details.more > summary { padding: 6px 0; font-size: 14px; }
        details.more > .figures { margin-top: 10px; }
        .remark {
          margin: 18px 0 0; padding: 2px 0 2px 16px; border-left: 3px solid var(--accent); max-width: 74ch;
        }
        footer { margin-top: 44px; padding-top: 14px; border-top: 1px solid var(--rule); color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
        code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .93em; }
        @media (max-width: 560px) {
          main { padding: 26px 14px 40px; }
          h1 { font-size: 27px; overflow-wrap: anywhere; }
          figure { padding: 14px 12px 12px; }
          figure svg.chart { min-width: 280px; }
          .plain th { white-space: normal; width: 34%; overflow-wrap: anywhere; }
          th, td { padding-right: 10px; }
          .tiles { grid-template-columns: 1fr 1fr; gap: 10px; }
          .tile { padding: 12px 13px; }
          .tile:first-child:nth-last-child(odd) { grid-column: 1 / -1; }
          .tile .figure { font-size: 25px; }
          .verdicts li { grid-template-columns: 1fr; gap: 0; }
        }
        @media print { figure, .tile { break-inside: avoid; } details { display: none; } }

        """

    private static let charts = """
        svg text { font-size: 12.5px; fill: var(--ink); }
        svg .row-name { font-size: 12px; }
        svg .tick { fill: var(--soft); font-size: 12px; }
        svg .axis-name { fill: var(--soft); font-size: 12px; }
        svg .value { font-size: 12px; font-weight: 600; }
        svg .name { font-weight: 600; }
        svg .grid { stroke: var(--grid); stroke-width: 1; }
        svg .zero { stroke: var(--soft); stroke-width: 1; }
        svg .line { fill: none; stroke-width: 2.4; stroke-linejoin: round; stroke-linecap: round; }
        svg .stem { stroke-width: 2; opacity: .35; }
        svg .marker { stroke: var(--card); stroke-width: 1.4; }
        svg .seed { opacity: .5; }
        svg .error-bar { stroke: var(--ink); stroke-width: 1.6; }
        svg .mean { stroke: var(--ink); stroke-width: 2.6; }
        .series-federated, .series-after { --series: var(--federated); }
        .series-noSwap, .series-before { --series: var(--no-swap); }
        .series-localOnly { --series: var(--local); }
        .series-base { --series: var(--base); }
        .series-plain { --series: var(--federated); }
        .series-up { --series: var(--up); }
        .series-down { --series: var(--down); }
        .series-total { --series: var(--ink); }
        .series-0 { --series: var(--federated); }
        .series-1 { --series: var(--no-swap); }
        .series-2 { --series: var(--local); }
        .series-3 { --series: var(--series-3); }
        .series-4 { --series: var(--series-4); }
        .series-5 { --series: var(--series-5); }
        .series-6 { --series: var(--series-6); }
        svg .line, svg .stem { stroke: var(--series); }
        svg .marker, svg .bar, svg .seed, svg text.name { fill: var(--series); }
        svg .line.series-noSwap, svg .line.series-before { stroke-dasharray: 7 4; }
        svg .line.series-localOnly { stroke-dasharray: 2 5; }
        svg .line.series-base { stroke-dasharray: 1 4; stroke-width: 1.8; }
        svg .line.dash-1 { stroke-dasharray: 7 4; }
        svg .line.dash-2 { stroke-dasharray: 2 5; }
        svg .line.dash-3 { stroke-dasharray: 11 4 2 4; }
        svg .line.dash-4 { stroke-dasharray: 14 5; }
        svg .cell { fill: var(--federated); }
        svg .cell.negative { fill: var(--series-4); }
        svg .cell.missing { fill: none; stroke: var(--rule); }
        svg .cell-text { font-size: 11.5px; }
        svg .cell-text.strong { fill: var(--card); }
        svg .edge { fill: none; stroke: var(--soft); stroke-linecap: butt; }
        svg .arrow { fill: var(--soft); }

        """
}
