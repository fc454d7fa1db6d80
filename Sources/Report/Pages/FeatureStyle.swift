/// What the page about latents adds to the style of all pages.
enum FeatureStyle {
    /// The rules.
    static let css = """
        .series-misaligned { --series: var(--series-4); }
        .series-incoherent { --series: var(--base); }
        svg .line.series-incoherent { stroke-dasharray: 7 4; stroke-width: 1.9; }
        svg text.name.series-incoherent { fill: var(--soft); }
        svg .budget { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 2 3; }
        svg .over { fill: var(--soft); opacity: .12; }
        svg .chosen { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 1 3; }
        svg .ring { fill: none; stroke: var(--ink); stroke-width: 1.6; }
        svg .halo { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
        .remark.warning { border-color: var(--series-4); }
        .note { margin: 8px 0 0; color: var(--soft); font-size: 13px; }
        .funnel { display: flex; flex-wrap: wrap; gap: 6px 10px; margin: 0 0 16px; padding: 0; list-style: none; }
        .funnel li:not(:last-child)::after { content: "→"; margin-left: 10px; color: var(--soft); }
        .funnel strong { font-weight: 650; margin-right: 5px; }
        .funnel span { color: var(--soft); }
        .latents { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
        .raised { --series: var(--series-4); }
        .lowered { --series: var(--federated); }
        .latent { border-top: 4px solid var(--series); }
        .latent h3 { display: flex; align-items: baseline; gap: 8px; }
        .latent h3 .sign { color: var(--series); }
        .latent h3 small { color: var(--soft); font-size: 13px; font-weight: 400; margin-left: auto; }
        .latent h4 { margin: 6px 0 2px; font-size: 14px; font-weight: 620; }
        .scores { display: grid; grid-template-columns: repeat(auto-fit, minmax(138px, max-content)); gap: 8px 24px; margin: 2px 0 12px; }
        .scores dt { color: var(--soft); font-size: 13px; line-height: 1.3; }
        .scores dd { margin: 0; font-size: 15px; font-weight: 600; }
        .effects { display: grid; gap: 12px 24px; margin-bottom: 8px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); }
        .ramp { display: flex; align-items: center; gap: 8px; margin: 0 0 4px; color: var(--soft); font-size: 13px; }
        .ramp i { flex: none; width: 90px; height: 10px; border-radius: 3px; background: linear-gradient(90deg, transparent, color-mix(in srgb, var(--series) 62%, transparent)); border: 1px solid var(--rule); }
        .texts { margin: 0 0 12px; padding: 0; list-style: none; font-size: 14.5px; line-height: 1.75; }
        .texts li { padding: 6px 0; border-top: 1px solid var(--rule); white-space: pre-wrap; overflow-wrap: anywhere; }
        .texts small { display: block; color: var(--soft); font-size: 12px; line-height: 1.4; }
        mark.piece { background: color-mix(in srgb, var(--series) calc(var(--a) * 62%), transparent); text-decoration: none; padding: 1px 0; border-radius: 2px; }
        mark.peak { text-decoration: underline 2px var(--ink); }
        .short-list { font-size: 13px; }
        .short-list th, .short-list td { padding-right: 9px; }
        .short-list thead th { white-space: normal; vertical-align: bottom; }
        .short-list :is(td, th):nth-child(3) { text-align: left; }
        .short-list td:nth-child(3) { white-space: normal; min-width: 25ch; line-height: 1.35; }
        .others { margin-top: 16px; }
        .others figure { margin-top: 10px; }

        """
}
