import Contract
import Foundation
import FoundationXML
import Testing

@testable import Report

@Suite("The page about macrostates")
struct MacrostatePageTests {
    private func page(_ change: (inout MacrostateReading) -> Void = { _ in }) -> String {
        var reading = sampleReading()
        change(&reading)
        return MacrostatePage(reading).html()
    }

    @Test("a text is coloured and numbered by group, below a timeline of the same stretches")
    func texts() {
        let html = page {
            $0.passages = [
                .init(
                    title: "One",
                    pieces: [
                        .init("Why", group: nil, isGiven: true), .init(" so", group: 2, isGiven: true),
                        .init(" well", group: 2), .init(" then", group: 2), .init(" done", group: 4),
                    ]
                )
            ]
        }

        #expect(html.contains("given to the model</span>Why <mark class=\"hue-2 band-0 group-2\""))
        #expect(html.contains("title=\"2 step\"><span class=\"lead\"><b>2</b>well</span> then</mark>"))
        #expect(html.contains("<b>4</b>done</span></mark></p>"))
        // One stretch on the timeline, though the page parts what was given from what was written.
        #expect(html.contains("style=\"--at:1;--n:3;--lane:2\" title=\"2 step: pieces 2 to 4\""))
        #expect(html.contains("class=\"given-part\" style=\"--at:0;--n:2\""))
        #expect(html.contains("1 changes of group over 5 pieces"))
    }

    @Test("each paragraph of a stretch has the number, and an empty line has no colour")
    func paragraphs() {
        let text = MacrostatePage(sampleReading()).marked("\n so\n\nthen ", 2)

        #expect(text.components(separatedBy: "<mark").count == 3)
        #expect(text.hasPrefix("\n <mark") && text.contains("</mark>\n\n<mark") && text.hasSuffix("</mark> "))
        #expect(text.components(separatedBy: "<b>2</b>").count == 3)
    }

    @Test("a closure gap below 0 is said to be a fit with too many inputs")
    func overfit() {
        func html(_ both: Double) -> String {
            page { $0.closure = [.init(horizon: 4, fromMacrostate: 0.9, fromBoth: both)] }
        }
        #expect(html(0.8).contains("too many inputs") && !html(0.92).contains("too many inputs"))
    }

    @Test("no two of sixteen groups look the same, and each has its number wherever its colour is")
    func looks() {
        let reading = sampleReading(groups: MacrostateReading.groupsMax)
        let page = MacrostatePage(reading)
        let html = page.html()
        let classes = reading.groups.indices.map(MacrostateStyle.className)

        #expect(Set(classes).count == MacrostateReading.groupsMax)
        for group in reading.groups.indices {
            #expect(html.contains(">\(group)</span>\(reading.groups[group].name)</label>"))
            #expect(html.contains("id=\"pick-\(group)\""))
            #expect(html.contains("#pick-\(group):checked"))
            #expect(
                html.contains("class=\"node-text \(classes[group])\" text-anchor=\"middle\">\(group)<")
            )
        }
    }

    @Test("a card says how well its group was found again, and that a name is only proposed")
    func recall() {
        let html = page {
            $0.groups[1].recall = 0.934
            $0.groups[1].forcedChoice = 0.81
            $0.groups[1].isNameProposed = true
        }

        #expect(
            html.contains(
                "93\u{202F}% found again from half of the texts · told from others by a judge 81\u{202F}%"
            )
        )
        #expect(html.contains("· name proposed from its words"))
        #expect(!page().contains("found again from") && !page().contains("name proposed"))
    }

    @Test("what comes from outside is escaped everywhere")
    func escaped() throws {
        let html = MacrostatePage(sampleReading(groups: 3, passages: 2, note: "<b>&\"\u{0}</b>")).html()
        let body = try #require(html.range(of: "<main>")), end = try #require(html.range(of: "</main>"))
        let parser = XMLParser(data: Data(html[body.lowerBound..<end.upperBound].utf8))

        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(!html.contains("<b>&") && !html.contains("\u{0}"))
    }

    @Test("consistency stands beside its chance level")
    func consistency() {
        let html = page()

        #expect(html.contains("<strong>89.0\u{202F}%</strong><span>by chance 21.0\u{202F}%"))
        #expect(html.contains("<i style=\"--value:0.89\"></i><b style=\"--mark:0.21\"></b>"))
    }

    @Test(
        "groups that are positions or words are called so before any text is shown",
        arguments: [
            (0.05, 0.12, [String]()), (0.31, 0.12, ["largely positions"]),
            (0.05, 0.45, ["largely kinds of words"]),
            (0.4, 0.6, ["largely positions", "largely kinds of words"]), (0.15, 0.35, []),
        ]
    )
    func warnings(positions: Double, pieces: Double, expected: [String]) throws {
        let html = page {
            $0.trust.withPositions = positions
            $0.trust.withPieces = pieces
        }
        let start = try #require(html.range(of: "Texts by group")).lowerBound
        let before = html[..<start]

        for words in ["largely positions", "largely kinds of words"] {
            #expect(before.contains(words) == expected.contains(words))
            #expect(html[start...].contains(words) == expected.contains(words))
        }
        #expect(html.contains("partly positions") == (positions == 0.15))
        #expect(html.contains("partly kinds of words") == (pieces == 0.35))
    }

    @Test("a collapsed reading and one that hardly lasts say so")
    func poor() {
        let html = page {
            $0.trust.rank = (1.4, 16)
            $0.trust.consistency = 0.3
        }

        #expect(html.contains("collapsed: the groups cut up almost a line"))
        #expect(html.contains("hardly more than chance"))
        #expect(!page().contains("remark warning"))
    }

    @Test("ways between groups count changes only, and sum to one")
    func changes() {
        var reading = sampleReading(groups: 3)
        reading.transitions = [[0.8, 0.15, 0.05], [0, 1, 0], [.nan, 0.5]]
        let changes = MacrostatePage(reading).changes

        #expect(changes[0][0] == nil)
        #expect(abs((changes[0][1] ?? 0) - 0.75) < 1e-12 && abs((changes[0][2] ?? 0) - 0.25) < 1e-12)
        #expect(changes[1] == [nil, nil, nil])
        #expect(changes[2] == [nil, 1, nil])
    }

    @Test("a reading with nothing in it, or with nonsense, still makes a page")
    func empty() {
        let trust = MacrostateReading.Trust(
            consistency: .nan,
            chance: .infinity,
            withPieces: .nan,
            withPositions: .nan,
            withPhases: .nan,
            rank: (.nan, 0)
        )
        var reading = MacrostateReading(
            title: "",
            model: "",
            layer: "",
            groups: [],
            transitions: [],
            passages: [.init(title: "empty", pieces: []), .init(title: "x", pieces: [.init("a", group: 9)])],
            trust: trust
        )
        for groups in [0, 1, 2] {
            reading.groups = (0..<groups).map { _ in .init(name: "g", share: .nan, dwell: -.infinity) }
            reading.transitions = [[.nan, -1]]
            reading.closure = [.init(horizon: 1, fromMacrostate: .nan, fromBoth: 1)]
            reading.choice = .init(counts: [], agreements: [0.5], rule: "")
            let html = MacrostatePage(reading).html()

            #expect(!html.contains("NaN") && !html.contains("nan\"") && !html.contains("inf\""))
            #expect(!html.contains("<h3>empty</h3>") && html.contains("<h3>x</h3>"))
        }
    }

    @Test("many texts: the first stand open, the rest behind a fold")
    func folded() throws {
        let html = MacrostatePage(sampleReading(passages: 9)).html()
        let fold = try #require(html.range(of: "<summary>5 more texts</summary>")).lowerBound

        #expect(html[..<fold].contains("Text 4: pears") && !html[..<fold].contains("Text 5: pears"))
        #expect(html[fold...].contains("Text 9: pears"))
    }
}
