import Contract
import Foundation
import FoundationXML
import Testing

@testable import Report

@Suite("Figures")
struct FigureTests {
    private static let hostile = "<b>&\"\u{0}"
    private static let escaped = "&lt;b&gt;&amp;&quot;\u{FFFD}"

    /// The kinds of figures with names from outside, and what the drawing of each must have.
    enum Kind: String, CaseIterable {
        case lines, bars, intervals, heatMap, graph, annotatedText

        var content: Figure.Content {
            let name = FigureTests.hostile
            switch self {
            case .lines:
                return .lines(
                    .init(
                        xName: name,
                        yName: name,
                        series: [
                            .init(name, x: [0.5, 1.25, 2], y: [1, 2, 1.5]),
                            .init("b", x: [0, 2], y: [1, 1]),
                        ]
                    )
                )
            case .bars:
                return .bars(
                    .init(
                        xName: name,
                        yName: name,
                        groups: [name, "g"],
                        series: [.init(name, values: [1, nil]), .init("b", values: [-2, 3])]
                    )
                )
            case .intervals:
                return .intervals(
                    .init(
                        xName: name,
                        rows: [
                            .init(name, value: 1, interval: .init(low: 0.5, high: 2)), .init("b", value: 1.5),
                        ]
                    )
                )
            case .heatMap:
                return .heatMap(
                    .init(rows: [name, "b"], columns: [name, "d"], values: [[1, -2], [3, 4]])
                )
            case .graph:
                return .graph(
                    .init(
                        nodes: [.init(name), .init("b", weight: 2)],
                        edges: [.init(from: 0, to: 1), .init(from: 1, to: 0), .init(from: 1, to: 1)]
                    )
                )
            case .annotatedText:
                return .annotatedText(.init(groups: [name], spans: [.init(name, group: 0), .init(name)]))
            }
        }

        var mark: String {
            switch self {
            case .lines: "<path d=\"M"
            case .bars: "class=\"bar series-1 dash-1\""
            case .intervals: "class=\"error-bar\""
            case .heatMap: "class=\"cell negative\""
            case .graph: "class=\"arrow\""
            case .annotatedText: "<sub>0</sub></mark>"
            }
        }
    }

    @Test(
        "every kind is drawn, well formed, with its names escaped and its numbers beside it",
        arguments: Kind.allCases
    )
    func drawn(kind: Kind) throws {
        let figure = Figure(Self.hostile, caption: Self.hostile, kind.content)
        let html = try #require(figure.html(id: "f"))
        let checker = StructureChecker()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = checker

        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(checker.charts == (kind == .annotatedText ? 0 : 1) && checker.tables >= 1)
        #expect(html.contains(kind.mark))
        #expect(html.contains(Self.escaped) && !html.contains("<b>"))
        #expect(figure.html(id: "f") == html)
    }

    @Test("the page draws the figures of the summary")
    func page() {
        let html = ReportPage(sampleNumberSummary()).html()

        #expect(html.contains("<h2>What the trainer shows</h2>"))
        for figure in sampleFigures() {
            #expect(html.contains("<h3>\(figure.title)</h3>"), "\(figure.title)")
        }
    }

    @Test("what makes no sense is left out")
    func malformed() {
        let odd: [Double] = [
            .nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude, 0, -0.0,
            .greatestFiniteMagnitude,
        ]
        var contents: [Figure.Content] = [
            .lines(
                .init(
                    xName: "",
                    yName: "",
                    series: [.init("a", x: odd, y: [1, 2]), .init("b", x: [1], y: [])]
                )
            ),
            .lines(.init(xName: "", yName: "", series: [.init("a", x: odd, y: odd)])),
            .lines(
                .init(xName: "", yName: "", series: [.init("a", x: [-1e299, 1e299], y: [1e299, -1e299])])
            ),
            .bars(.init(xName: "", yName: "", groups: ["a"], series: [.init("s", values: odd)])),
            .bars(.init(xName: "", yName: "", groups: ["a", "b"], series: [.init("s", values: [])])),
            .bars(.init(xName: "", yName: "", groups: ["a", "b"], series: [.init("s", values: [1])])),
            .intervals(
                .init(xName: "", rows: odd.map { .init("a", value: $0, interval: .init(low: 2, high: 1)) })
            ),
            .intervals(
                .init(xName: "", rows: odd.map { .init("a", value: 1, interval: .init(low: $0, high: .nan)) })
            ),
            .heatMap(.init(rows: ["a", "b", "c"], columns: ["d", "e"], values: [odd, []])),
            .heatMap(.init(rows: ["a"], columns: ["b"], values: [[7]])),
            .graph(
                .init(
                    nodes: odd.map { .init("n", weight: $0) },
                    edges: odd.map { .init(from: 0, to: 1, weight: $0) } + [
                        .init(from: -1, to: 0), .init(from: 0, to: 99),
                    ]
                )
            ),
            .graph(.init(nodes: [.init("only")], edges: [.init(from: 0, to: 0)])),
            .annotatedText(
                .init(groups: [], spans: [.init("a", group: 3), .init("b", group: -1), .init("", group: 0)])
            ),
        ]
        contents += odd.map { value in
            .heatMap(.init(rows: ["a"], columns: ["b", "c"], values: [[value, value]]))
        }
        for content in contents {
            let html = Figure("t", content).html(id: "f") ?? ""
            for word in ["nan", "inf", "e+", "<mark"] {
                let found = html.contains(word)
                #expect(!found, "\(word) in \(content)")
            }
        }
    }

    @Test("nothing is drawn of empty figures")
    func empty() {
        let contents: [Figure.Content] = [
            .lines(.init(xName: "", yName: "", series: [])),
            .lines(.init(xName: "", yName: "", series: [.init("a", x: [], y: [])])),
            .bars(.init(xName: "", yName: "", groups: [], series: [.init("a", values: [1])])),
            .intervals(.init(xName: "", rows: [])),
            .intervals(.init(xName: "", rows: [.init("a", value: .nan)])),
            .heatMap(.init(rows: [], columns: [], values: [[1]])),
            .graph(.init(nodes: [], edges: [.init(from: 0, to: 0)])),
            .annotatedText(.init(groups: ["a"], spans: [])),
        ]
        for content in contents { #expect(Figure("t", content).html(id: "f") == nil, "\(content)") }
    }

    @Test("edges that name no node are not listed either")
    func danglingEdges() throws {
        let graph = Figure.Graph(nodes: [.init("a"), .init("b")], edges: [.init(from: 0, to: 2)])
        let html = try #require(Figure("t", .graph(graph)).html(id: "f"))

        #expect(!html.contains("class=\"edge\"") && !html.contains(">from<"))
    }

    @Test("many series differ in more than colour, and those that repeat a colour differ from one another")
    func styles() {
        let styles = (0..<200).map(SeriesStyle.numbered)

        #expect(!styles.enumerated().contains { styles.dropFirst($0.offset + 1).contains($0.element) })
        #expect(SeriesStyle.numbered(0) != SeriesStyle.numbered(7))
    }

    @Test("many lines are named in a legend instead of at their ends")
    func manyLines() throws {
        let series = (1...12).map { Figure.Lines.Series("line \($0)", x: [0, 1], y: [0, Double($0)]) }
        let html = try #require(
            Figure("t", .lines(.init(xName: "x", yName: "y", series: series))).html(id: "f")
        )

        for line in series { #expect(html.contains("</svg>\(line.name)</li>"), "\(line.name)") }
        #expect(!html.contains("class=\"name"))
    }

    @Test("a horizontal axis of values that are not whole has round labels between them")
    func fractionalAxis() throws {
        let lines = Figure.Lines(
            xName: "x",
            yName: "y",
            series: [.init("a", x: [0.1, 0.35, 0.72], y: [100, 110, 120])]
        )
        let html = try #require(Figure("t", .lines(lines)).html(id: "f"))

        for text in ["0.2", "0.4", "0.6"] { #expect(html.contains(">\(text)</text>"), "\(text)") }
        #expect(!html.contains(">0.0</text>") && !html.contains(">0.8</text>"))
    }

    @Test("a logarithmic axis has a line for a power of ten, and no place for zero")
    func logarithmicAxes() throws {
        let lines = Figure.Lines(
            xName: "x",
            yName: "y",
            xScale: .logarithmic,
            yScale: .logarithmic,
            series: [.init("a", x: [16, 32, 64], y: [1e-10, 0, 1e-4])]
        )
        let html = try #require(Figure("t", .lines(lines)).html(id: "f"))

        for text in ["1e\u{2212}10", "1e\u{2212}4", "16", "64"] {
            #expect(html.contains(">\(text)</text>"), "\(text)")
        }
        #expect(html.components(separatedBy: "<circle").count == 3)
        #expect(!html.contains("class=\"zero\""))
    }

    @Test("lines written without scales are linear")
    func scalesAreOptional() throws {
        let old = Data(#"{"xName": "x", "yName": "y", "series": []}"#.utf8)

        #expect(
            try JSONDecoder().decode(Figure.Lines.self, from: old)
                == Figure.Lines(xName: "x", yName: "y", series: [])
        )
    }

    @Test("a short number keeps the zeros of its exponent")
    func shortExponents() {
        #expect(NumberText.short(1e-10) == "1e\u{2212}10")
        #expect(NumberText.short(2.5e-20) == "2.5e\u{2212}20")
        #expect(NumberText.short(0.5) == "0.5" && NumberText.short(300) == "300")
    }
}
