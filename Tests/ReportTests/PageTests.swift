import Foundation
import FoundationXML
import Testing

@testable import Report

@Suite("Report pages")
struct PageTests {
    /// The pages by name, so that a failing test does not print one.
    enum Sample: String, CaseIterable {
        case run, longRun, reproduction

        var html: String {
            switch self {
            case .run: ReportPage(sampleSummary()).html()
            case .longRun: ReportPage(sampleSummary(rounds: 120)).html()
            case .reproduction: ReproductionReport(sampleReproduction()).html()
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
        for page in Sample.allCases {
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
        summary.passAt1.federated.byTopic["<i>"] = 0.5

        let html = ReportPage(summary).html()

        #expect(!html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"))
        #expect(html.contains("&quot;&amp;&lt;b&gt;"))
    }

    @Test("a run that measured little still has a page, without empty figures")
    func little() {
        let score = Score(overall: 0.5, byTopic: [:])
        var summary = sampleSummary()
        summary.passAt1 = MethodScores(base: score, federated: score)
        summary.history = [RoundHistory(round: 1)]
        summary.bytes = ByteTotals(byKind: [], fullModelSync: 0)

        let html = ReportPage(summary).html()

        #expect(
            !html.contains("<h2>Accuracy") && !html.contains("crossed the wire")
                && !html.contains("drift apart")
        )
        #expect(html.contains("Held-out pass@1"))
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
