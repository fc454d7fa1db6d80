import Contract
import Foundation
import FoundationXML
import Testing

@testable import Report

@Suite("Report pages")
struct PageTests {
    /// The pages by name, so that a failing test does not print one.
    enum Sample: String, CaseIterable {
        case run, longRun, numbers, reproduction, macrostates, manyMacrostates

        var html: String {
            switch self {
            case .run: ReportPage(sampleSummary()).html()
            case .longRun: ReportPage(sampleSummary(rounds: 120)).html()
            case .numbers: ReportPage(sampleNumberSummary()).html()
            case .reproduction: ReproductionReport(sampleReproduction()).html()
            case .macrostates: MacrostatePage(sampleReading()).html()
            case .manyMacrostates: MacrostatePage(sampleReading(groups: 16, passages: 9)).html()
            }
        }
    }

    @Test("a page is well formed and every chart has a title and a description", arguments: Sample.allCases)
    func wellFormed(page: Sample) throws {
        let html = page.html
        let body = try #require(html.range(of: "<main>")), end = try #require(html.range(of: "</main>"))
        let checker = StructureChecker()
        let parser = XMLParser(data: Data(html[body.lowerBound..<end.upperBound].utf8))
        parser.delegate = checker

        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(checker.charts > 1)
        #expect(checker.titles == checker.charts && checker.descriptions == checker.charts)
        #expect(Set(checker.ids).count == checker.ids.count)
        #expect(checker.references.isSubset(of: Set(checker.ids)))
        #expect(checker.tables >= checker.charts)
    }

    @Test("a page loads nothing and runs nothing", arguments: Sample.allCases)
    func selfContained(page: Sample) {
        let html = page.html
        for word in [
            "http:", "https:", "src=", "href=", "<script", "@import", "url(", "NaN", "inf\"", "nan\"",
        ] {
            let found = html.contains(word)
            #expect(!found, "\(word)")
        }
        #expect(html.contains("prefers-color-scheme: dark"))
    }

    @Test("the page says how small the swap's gain can be")
    func honest() {
        for page in [Sample.run, .longRun, .reproduction] {
            let found = page.html.contains("own gain is small where clients synchronise often")
            #expect(found)
        }
    }

    @Test("the run's page has its headline figures")
    func headline() {
        let html = ReportPage(sampleSummary()).html()

        for text in [
            "61.9", "+39.0", "+25.9", "1.47", "71\(NumberText.space)<small>s</small>", "7.32 times as much",
            "was worth +0.8 points",
        ] {
            let found = html.contains(text)
            #expect(found, "\(text)")
        }
    }

    @Test("names from outside cannot become markup")
    func escaping() {
        var summary = sampleSummary()
        summary.federation = "<script>alert('x')</script>"
        summary.settings = [Setting("a", "\"&<b>")]
        summary.scores.federated.bySlice["<i>"] = 0.5

        let html = ReportPage(summary).html()

        #expect(!html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"))
        #expect(html.contains("&quot;&amp;&lt;b&gt;"))
    }

    @Test("a run that measured little still has a page, without empty figures")
    func little() {
        let score = Score(overall: 0.5, bySlice: [:])
        var summary = sampleSummary()
        summary.scores = MethodScores(base: score, federated: score)
        summary.history = [RoundHistory(round: 1)]
        summary.bytes = ByteTotals(byKind: [], fullModelSync: 0)

        let html = ReportPage(summary).html()

        for heading in [
            "Held-out", "crossed the wire", "drift apart", "Rounds not taken", "monitors saw",
            "trainer shows",
            "Further metrics",
        ] {
            let found = html.contains("<h2>\(heading)") || html.contains("<h2>What \(heading)")
            #expect(!found, "\(heading)")
        }
        #expect(html.contains("Held-out pass@1"))
    }
}

@Suite("Pages of other measures")
struct MeasurePageTests {
    @Test("a number of which less is better is shown without a per cent sign, and the page says so")
    func number() {
        var summary = sampleNumberSummary()
        summary.figures = []
        let html = ReportPage(summary).html()

        for text in [
            "Held-out log loss", "3.18", "\(NumberText.minus)0.0300", "lower is better", "Lower is better.",
            "By domain, at the end", "the mean negative logarithm", "Change from the base",
        ] {
            let found = html.contains(text)
            #expect(found, "\(text)")
        }
        let main = html.components(separatedBy: "<main>").last ?? ""
        #expect(!main.contains("%") && !main.contains("pass@1") && !main.contains("points"))
    }

    @Test("rounds that were not taken name the reason and the members")
    func vetoed() {
        let html = ReportPage(sampleNumberSummary()).html()

        #expect(html.contains("<h2>Rounds not taken</h2>"))
        #expect(html.contains("<th scope=\"row\">3</th><td>log loss rose by 0.4</td><td>north, south</td>"))
        let without = ReportPage(sampleSummary()).html()
        #expect(!without.contains("Rounds not taken"))
    }

    @Test("what monitors measured has one chart for each name; further metrics have a table")
    func monitors() {
        let html = ReportPage(sampleNumberSummary()).html()

        for text in [
            "<h2>What monitors saw</h2>", "exposure by round", "canary rank by round",
            "<h2>Further metrics</h2>",
            "<th scope=\"row\">perplexity</th>",
        ] {
            let found = html.contains(text)
            #expect(found, "\(text)")
        }
    }

    @Test("further metrics stand round by round, eight rounds of many")
    func metricsByRound() {
        var summary = sampleNumberSummary()
        summary.metrics = ["adherence": 0.9]
        summary.history = (1...15).map {
            RoundHistory(round: $0, metrics: ["adherence": Double($0) / 100])
        }

        let html = ReportPage(summary).html()

        let header = [1, 3, 5, 7, 9, 11, 13, 15].map { "<th scope=\"col\">\($0)</th>" }.joined()
        #expect(html.contains("<th scope=\"col\">metric</th>" + header))
        #expect(html.contains("eight of them"))
        #expect(html.contains("0.0100") && html.contains("0.150"))
    }

    @Test("twenty slices are all named in the chart, long names too")
    func manySlices() throws {
        let names = (1...20).map { "a slice with quite a long name \($0)" }
        var summary = sampleSummary()
        for (index, name) in names.enumerated() {
            summary.scores.federated.bySlice[name] = 0.3 + 0.01 * Double(index)
        }
        let html = ReportPage(summary).html()
        let start = try #require(html.range(of: "id=\"by-slice-text\""))
        let end = try #require(html.range(of: "</svg>", range: start.upperBound..<html.endIndex))
        let chart = html[start.upperBound..<end.lowerBound]

        for name in names + ["inc", "sort"] {
            let label = ">\(ChartFrame.shortened(name, to: 36))</text>"
            #expect(chart.contains(label), "\(name)")
        }
        #expect(Set(names.map { ChartFrame.shortened($0, to: 36) }).count == names.count)
    }

    @Test("no page speaks of what only language models have", arguments: [true, false])
    func neutral(swaps: Bool) {
        var summary = sampleSummary()
        summary.measure.meaning = ""
        if !swaps { summary = sampleNumberSummary() }
        var reproduction = sampleReproduction()
        reproduction.measure = summary.measure
        let pages = ReportPage(summary).html() + ReproductionReport(reproduction).html()

        for word in ["question", "answer", "token"] {
            let found = pages.lowercased().contains(word)
            #expect(!found, "\(word)")
        }
    }
}

/// Counts what the tests ask about.
final class StructureChecker: NSObject, XMLParserDelegate {
    var charts = 0, titles = 0, descriptions = 0, tables = 0
    var ids: [String] = []
    var references: Set<String> = []

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        if name == "svg", attributes["role"] == "img" { charts += 1 }
        if name == "title" { titles += 1 }
        if name == "desc" { descriptions += 1 }
        if name == "table" { tables += 1 }
        if let id = attributes["id"] { ids.append(id) }
        if let labelled = attributes["aria-labelledby"] {
            references.formUnion(labelled.split(separator: " ").map(String.init))
        }
    }
}
