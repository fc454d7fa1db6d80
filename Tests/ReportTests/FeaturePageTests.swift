import Foundation
import FoundationXML
import Testing

@testable import Report

@Suite("The page about latents")
struct FeaturePageTests {
    private func page(_ change: (inout FeatureReading) -> Void = { _ in }) -> String {
        var reading = sampleFeatures()
        change(&reading)
        return FeaturePage(reading).html()
    }

    @Test("the search is told from all latents to the chosen ones, with both models unsteered")
    func search() {
        let html = page()

        for (number, name) in [
            (384, "latents"), (32, "candidates"), (12, "short-listed"), (8, "valid"), (5, "chosen"),
        ] {
            #expect(html.contains("<li><strong>\(number)</strong><span>\(name)</span></li>"))
        }
        #expect(html.contains("base model</th><td>0.2\u{202F}%</td><td>98.8\u{202F}%</td><td>1.0\u{202F}%"))
        #expect(html.contains("<td>95.9\u{202F}%</td><td>12.0\u{202F}%</td></tr>"))
        #expect(html.contains("by the autoencoder; 39.2 of 384 latents active, 1.0\u{202F}% dead"))
    }

    @Test("each chosen latent has a card with its sign, its scores and both curves")
    func cards() {
        let html = page()

        #expect(html.components(separatedBy: "<figure class=\"wide latent").count == 6)
        #expect(html.contains("<span class=\"sign\" aria-hidden=\"true\">▲</span><span>Latent 231</span>"))
        #expect(html.contains("<span class=\"sign\" aria-hidden=\"true\">▼</span><span>Latent 320</span>"))
        #expect(html.contains("lowered by fine-tuning: mean activation −0.850"))
        #expect(html.contains("<dt>induces, points</dt><dd>+84.1 at 0.5</dd>"))
        #expect(html.contains("id=\"induce-231-title\"") && html.contains("id=\"repair-231-title\""))
    }

    @Test("a curve begins unsteered and has the budget, strengths over it, and the chosen one marked")
    func curve() throws {
        let points = [(0, 0.3, 0), (0.5, 0.8, 0.05), (1, 0.4, 0.3), (1.5, .nan, 0.4)].map {
            EffectChart.Point(strength: $0.0, misaligned: $0.1, incoherent: $0.2)
        }
        func svg(chosen: Double?, budget: Double = 0.1) -> String? {
            EffectChart(
                frame: ChartFrame(id: "x", title: "t", description: "d"),
                points: points,
                budget: budget,
                chosen: chosen
            ).svg()
        }
        let html = try #require(svg(chosen: 0.5))

        #expect(html.components(separatedBy: "class=\"over\"").count == 3)
        #expect(html.components(separatedBy: "class=\"budget\"").count == 2)
        #expect(html.contains(">chosen: 0.5</text>") && html.contains("class=\"ring\""))
        #expect(html.components(separatedBy: "class=\"marker series-misaligned\"").count == 4)
        #expect(html.components(separatedBy: "class=\"marker series-incoherent\"").count == 5)
        #expect(html.contains(">0.0<") && html.contains(">1.5<"))
        #expect(svg(chosen: nil)?.contains("class=\"ring\"") == false)
        #expect(svg(chosen: 0.7)?.contains("class=\"ring\"") == false)
        #expect(svg(chosen: 0.5, budget: 1)?.contains("class=\"over\"") == false)
    }

    @Test("pieces are shaded by activation, those without stand plain, and the strongest is underlined once")
    func pieces() {
        let page = FeaturePage(sampleFeatures())

        let html = page.shaded(
            [
                .init("a ", 0), .init("<b>", 1), .init(" c", 4), .init("d", 4), .init("e", .nan),
                .init("f", 16),
            ],
            peak: 8
        )

        #expect(
            html
                == "a <mark class=\"piece\" style=\"--a:0.13\" title=\"1.00\">&lt;b&gt;</mark>"
                + "<mark class=\"piece\" style=\"--a:0.5\" title=\"4.00\"> c</mark>"
                + "<mark class=\"piece\" style=\"--a:0.5\" title=\"4.00\">d</mark>e"
                + "<mark class=\"piece peak\" style=\"--a:1\" title=\"16.0\">f</mark>"
        )
        let twice = page.shaded([.init("a", 2), .init("b", 2)], peak: 2)
        #expect(twice.components(separatedBy: "peak").count == 2)
    }

    /// What calibration found, and what is said of it.
    struct Finding: Sendable {
        var induce: FeatureReading.Best
        var repair: FeatureReading.Best
        var isValid = false
        var isChosen = false
        var verdict: String
    }

    private static let findings = [
        Finding(induce: .good, repair: .good, isValid: true, isChosen: true, verdict: "chosen"),
        Finding(induce: .good, repair: .good, isValid: true, verdict: "valid, not chosen"),
        Finding(
            induce: .init(strength: nil, gain: 0),
            repair: .good,
            verdict: "not valid: every strength makes the base model too incoherent"
        ),
        Finding(
            induce: .good,
            repair: .init(strength: nil, gain: 0),
            verdict: "not valid: every strength makes the misaligned model too incoherent"
        ),
        Finding(
            induce: .init(strength: 0.2, gain: 0.004),
            repair: .good,
            verdict: "not valid: induces only +0.4 points (at 0.2)"
        ),
        Finding(
            induce: .init(strength: 0.2, gain: -0.1),
            repair: .init(strength: 0.3, gain: 0.001),
            isChosen: true,
            verdict: "chosen, though not valid: induces nothing; repairs only +0.1 points (at 0.3)"
        ),
        Finding(
            induce: .init(strength: 0.2, gain: .nan),
            repair: .good,
            verdict: "not valid: induces nothing"
        ),
    ]

    @Test("a short-listed latent that was not chosen says why", arguments: findings)
    func verdicts(finding: Finding) {
        let latent = FeatureReading.Latent(
            index: 1,
            isRaised: true,
            shift: 1,
            calibration: .init(
                effects: [],
                induce: finding.induce,
                repair: finding.repair,
                score: 0,
                isValid: finding.isValid
            ),
            isChosen: finding.isChosen
        )

        #expect(sampleFeatures().verdict(latent) == finding.verdict)
    }

    @Test("what speaks against the latents is said before them")
    func warnings() throws {
        #expect(sampleFeatures().warnings.isEmpty)
        #expect(!page().contains("remark warning"))

        let html = page {
            $0.search.misaligned.misaligned = 0.05
            $0.autoencoder.deadShare = 0.7
            $0.autoencoder.explainedVariance = 0.3
            $0.latents[11].isChosen = true
        }
        let before = try #require(html.components(separatedBy: "The chosen latents").first)
        #expect(
            before.contains("hardly more misaligned than the base model (5.0\u{202F}% against 0.2\u{202F}%)")
        )
        #expect(before.contains("70.0\u{202F}% of the autoencoder's latents are dead"))
        #expect(before.contains("explains only 30.0\u{202F}%"))
        #expect(before.contains("1 of the 6 chosen latents is not valid"))
        #expect(page { $0.latents = [] }.contains("No latent is valid"))
    }

    @Test("every short-listed candidate is in the table with its verdict, and the others behind a fold")
    func candidates() throws {
        let reading = sampleFeatures()
        let html = FeaturePage(reading).html()
        let start = try #require(html.range(of: "<table class=\"short-list\">")).upperBound
        let end = try #require(html[start...].range(of: "</table>")).lowerBound
        let table = html[start..<end]
        let rest = try #require(html.range(of: "20 candidates that the screen left out")).upperBound

        #expect(table.components(separatedBy: "<tr>").count == 14)
        for (rank, latent) in reading.latents.enumerated() {
            let cell = "\(FeaturePage.name(latent))</t"
            #expect(table.contains(cell) == (rank < 12))
            #expect(html[rest...].contains(cell) == (rank >= 12))
        }
        #expect(table.contains("<td>not valid: every strength makes the base model too incoherent</td>"))
    }

    @Test("many chosen latents: the first stand open, the rest behind a fold")
    func folded() throws {
        let html = FeaturePage(sampleFeatures(short: 30, chosen: 11)).html()
        let fold = try #require(html.range(of: "<summary>3 more latents</summary>")).lowerBound

        #expect(html[..<fold].contains("8 of 11") && !html[..<fold].contains("9 of 11"))
        #expect(html[fold...].contains("11 of 11"))
    }

    @Test("what comes from outside is escaped everywhere")
    func escaped() throws {
        let html = FeaturePage(sampleFeatures(note: "<b>&\"\u{0}</b>")).html()
        let body = try #require(html.range(of: "<main>")), end = try #require(html.range(of: "</main>"))
        let parser = XMLParser(data: Data(html[body.lowerBound..<end.upperBound].utf8))

        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(!html.contains("<b>&") && !html.contains("\u{0}"))
    }

    @Test("a reading with nothing in it, or with nonsense, still makes a page")
    func nonsense() {
        let shares = FeatureReading.Shares(
            misaligned: .nan,
            aligned: .infinity,
            incoherent: 1,
            refused: -.infinity
        )
        let html = page {
            $0.search.base = shares
            $0.search.misaligned = shares
            $0.search.induceBudget = .nan
            $0.search.gainMin = .nan
            $0.autoencoder.explainedVariance = .nan
            $0.autoencoder.active = .infinity
            $0.latents[0].shift = .nan
            $0.latents[0].calibration?.effects = [.init(strength: .nan, induced: shares, repaired: shares)]
            $0.latents[1].calibration?.effects = []
            $0.latents[1].calibration?.induce = .init(strength: 3, gain: .nan)
            $0.latents[2].calibration = nil
            $0.latents[2].screen = nil
            $0.latents[3].texts = [.init([]), .init([.init("", 1)]), .init([.init("x", .nan)])]
        }

        #expect(!html.contains("NaN") && !html.contains("nan\"") && !html.contains("inf\""))
        #expect(!html.contains(">nan") && !html.contains(">inf<"))
        let empty = page {
            $0.latents = []
            $0.facts = []
        }
        #expect(!empty.contains("The chosen latents") && !empty.contains("All short-listed candidates"))
    }
}

extension FeatureReading.Best {
    fileprivate static let good = FeatureReading.Best(strength: 0.5, gain: 0.4)
}
