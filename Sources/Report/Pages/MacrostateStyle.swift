/// What the page about macrostates adds to the style of all pages.
///
/// Eight hues of Okabe and Ito's palette with a light grey for black, which keep apart under the common kinds
/// of colour blindness; the second eight groups have the same hues in stripes. Every group also has a number,
/// which stands wherever its colour does.
enum MacrostateStyle {
    /// How many hues there are before stripes begin.
    static let hues = 8

    /// The classes that give an element the looks of a group.
    static func className(_ group: Int) -> String {
        "hue-\(group % hues) band-\(min(1, group / hues))"
    }

    /// The rules, with those that show one group alone when its name is picked.
    ///
    /// - Parameter groups: How many groups there are.
    static func css(groups: Int) -> String {
        colours + layout + (0..<groups).map(picked).joined()
    }

    private static let colours = """
        .hue-0 { --series: #56b4e9; --on: #14171a; }
        .hue-1 { --series: #e69f00; --on: #14171a; }
        .hue-2 { --series: #009e73; --on: #14171a; }
        .hue-3 { --series: #cc79a7; --on: #14171a; }
        .hue-4 { --series: #d55e00; --on: #14171a; }
        .hue-5 { --series: #f0e442; --on: #14171a; }
        .hue-6 { --series: #0072b2; --on: #ffffff; }
        .hue-7 { --series: #bbbbbb; --on: #14171a; }
        .band-0 { --fill: var(--series); }
        .band-1 { --fill: repeating-linear-gradient(135deg, var(--series) 0 4px, color-mix(in srgb, var(--series) 45%, var(--card)) 4px 7px); }

        """

    private static let layout = """
        .badge { display: inline-block; min-width: 1.55em; padding: 0 .35em; border-radius: 4px; background: var(--series); color: var(--on); font-size: 12px; font-weight: 650; line-height: 1.55; text-align: center; }
        .badge.band-1 { outline: 2px dotted var(--series); outline-offset: 1px; }
        .picks { position: sticky; top: 0; z-index: 2; margin: 0 -8px 16px; padding: 8px; background: var(--page); border: 0; border-bottom: 1px solid var(--rule); display: flex; flex-wrap: wrap; gap: 6px; min-width: 0; }
        .picks legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        .picks label { display: flex; align-items: center; gap: 6px; padding: 3px 10px 3px 4px; border: 1px solid var(--rule); border-radius: 999px; background: var(--card); font-size: 13px; line-height: 1.5; cursor: pointer; white-space: nowrap; position: relative; }
        .picks label:first-of-type { padding-left: 10px; }
        .picks input { position: absolute; opacity: 0; inset: 0; margin: 0; cursor: pointer; }
        .picks label:has(:checked) { border-color: var(--ink); box-shadow: inset 0 0 0 1px var(--ink); }
        .picks label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
        .passages { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
        .passages figcaption h3 { overflow-wrap: anywhere; }
        .passage .annotated { line-height: 1.95; margin: 0; }
        .passage .annotated + .annotated { margin-top: 10px; }
        .passage .given { padding: 4px 12px 6px; border-left: 3px solid var(--rule); background: color-mix(in srgb, var(--page) 60%, var(--card)); }
        .passage .part { display: block; color: var(--soft); font-size: 12px; line-height: 1.5; user-select: none; }
        .macro mark { background: color-mix(in srgb, var(--series) 30%, transparent); text-decoration-color: var(--series); box-decoration-break: clone; -webkit-box-decoration-break: clone; transition: opacity .15s; }
        .macro mark.band-1 { background: repeating-linear-gradient(135deg, color-mix(in srgb, var(--series) 32%, transparent) 0 5px, color-mix(in srgb, var(--series) 18%, transparent) 5px 10px); text-decoration-style: double; }
        .macro mark b { background: var(--series); color: var(--on); border-radius: 3px; padding: 0 .32em; margin-right: 3px; font-size: 10.5px; font-weight: 650; vertical-align: 1px; user-select: none; display: inline-block; line-height: 1.45; }
        .macro .lead { white-space: nowrap; }
        .score { display: grid; grid-template-columns: max-content minmax(0, 1fr); column-gap: 8px; margin: 2px 0 14px; font-size: 11px; color: var(--soft); }
        .score ol { margin: 0; padding: 0; list-style: none; }
        .score li { height: var(--lane-height); line-height: var(--lane-height); white-space: nowrap; max-width: 17ch; overflow: hidden; text-overflow: ellipsis; }
        .score li b { display: inline-block; min-width: 1.9em; color: var(--ink); font-weight: 650; }
        .score, .lanes { --lane-height: 14px; }
        .score.many, .many .lanes { --lane-height: 11px; }
        .score.many { font-size: 10px; }
        .lanes { position: relative; height: calc(var(--lanes) * var(--lane-height)); background: repeating-linear-gradient(var(--grid) 0 1px, transparent 1px var(--lane-height)); border-bottom: 1px solid var(--grid); overflow: hidden; border-radius: 2px; }
        .lanes i { position: absolute; left: calc(var(--at) / var(--pieces) * 100%); width: max(2px, calc(var(--n) / var(--pieces) * 100%)); top: calc(var(--lane) * var(--lane-height) + 2px); height: calc(var(--lane-height) - 3px); background: var(--fill); border-radius: 2px; }
        .lanes .given-part { top: 0; bottom: 0; height: auto; background: var(--soft); opacity: .14; border-radius: 0; }
        .score .ends { grid-column: 2; display: flex; justify-content: space-between; padding-top: 2px; }
        .group-cards { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); }
        .group-cards figure { border-top: 4px solid var(--series); }
        .group-cards figcaption { display: flex; gap: 9px; align-items: baseline; }
        .group-cards figcaption h3 { overflow-wrap: anywhere; }
        .group-cards .size { margin: 4px 0 2px; font-size: 13px; color: var(--soft); }
        .bar-line { height: 7px; border-radius: 4px; background: var(--grid); overflow: hidden; margin-bottom: 8px; }
        .bar-line i { display: block; height: 100%; width: calc(var(--share) * 100%); background: var(--fill); }
        .spans { margin: 0; padding: 0; list-style: none; font-size: 14px; line-height: 1.6; }
        .spans li { padding: 7px 0; border-top: 1px solid var(--rule); color: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
        .spans mark { color: var(--ink); }
        .spans small { display: block; font-size: 12px; opacity: .85; }
        .measures { display: grid; gap: 12px; margin: 0; padding: 0; list-style: none; }
        .measures li { background: var(--card); border: 1px solid var(--rule); border-left: 4px solid var(--verdict); border-radius: 8px; padding: 12px 16px; display: grid; gap: 2px 18px; grid-template-columns: minmax(0, 17fr) minmax(0, 26fr); align-items: center; }
        .measures h3 { margin: 0; font-size: 15px; font-weight: 620; }
        .measures .verdict { color: var(--verdict); font-size: 13px; font-weight: 650; margin: 0; }
        .measures .why { grid-column: 1 / -1; margin: 4px 0 0; color: var(--soft); font-size: 14px; line-height: 1.45; }
        .measures .gauge { position: relative; height: 10px; border-radius: 5px; background: var(--grid); margin: 4px 0; }
        .measures .gauge i { position: absolute; left: 0; top: 0; bottom: 0; width: calc(var(--value) * 100%); border-radius: 5px; background: var(--verdict); }
        .measures .gauge b { position: absolute; left: calc(var(--mark) * 100% - 1px); top: -4px; bottom: -4px; width: 2px; background: var(--ink); }
        .measures .values { display: flex; justify-content: space-between; gap: 10px; font-size: 13px; color: var(--soft); }
        .measures .values strong { color: var(--ink); }
        .remark.warning { border-color: var(--series-4); }
        .remark.warning strong { color: var(--series-4); }
        .sound { --verdict: var(--local); }
        .partly { --verdict: var(--no-swap); }
        .unsound { --verdict: var(--series-4); }
        svg .edge, svg .arrow { transition: opacity .15s; }
        svg g[class^=hue] .edge { stroke: color-mix(in srgb, var(--series) 72%, var(--ink)); }
        svg g[class^=hue] .arrow { fill: color-mix(in srgb, var(--series) 72%, var(--ink)); }
        svg .marker.band-1 { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 3 3; }
        svg text.node-text { fill: var(--on); font-weight: 650; }
        @media (max-width: 560px) {
          .score li span { display: none; }
          .picks { flex-wrap: nowrap; overflow-x: auto; margin: 0 -14px 14px; padding: 8px 14px; }
          .measures li { grid-template-columns: minmax(0, 1fr); }
        }
        @media print { .picks { position: static; } }

        """

    private static func picked(_ group: Int) -> String {
        """
        .macro:has(#pick-\(group):checked) :is(mark, .lanes i):not(.group-\(group), .given-part) { opacity: .22; }
        .macro:has(#pick-\(group):checked) mark.group-\(group) { background: color-mix(in srgb, var(--series) 55%, transparent); }

        """
    }
}
