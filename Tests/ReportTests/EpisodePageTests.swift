import Foundation
import Testing

@testable import Report

@Suite("The page of an episode")
struct EpisodePageTests {
    private func reading(_ name: String = "policy") -> EpisodeReading {
        EpisodeReading(
            title: "Epidemic on a path",
            subtitle: "3 nodes",
            nodes: ["a", "b", "c & d"],
            edges: [.init(from: 0, to: 1), .init(from: 1, to: 2)],
            compartments: ["susceptible", "infected"],
            spreading: "infected",
            ramp: 2,
            panels: [
                .init(
                    name: name,
                    value: -1.25,
                    compartments: [[1, 0, 0], [1, 1, 0]],
                    levels: [[0, 0, 0], [0, 1, 0]],
                    actions: [[0, 1, 0]]
                )
            ]
        )
    }

    @Test("it has a player, a picture and the data of each panel, and loads nothing")
    func parts() {
        let html = EpisodePage(reading("<rule>")).html()

        for text in [
            "id=\"play\"", "id=\"scrub\" type=\"range\" min=\"0\" max=\"1\"", "id=\"panel-0\"",
            "&lt;rule&gt;",
            "discounted return −1.25", "c:[\"100\",\"110\"],l:[\"000\",\"010\"],a:[\"010\"]", "c &amp; d",
            "share infected", "share acting",
        ] {
            let found = html.contains(text)
            #expect(found, "\(text)")
        }
        #expect(!html.contains("src=") && !html.contains("http://") && !html.contains("https://"))
    }

    @Test("nodes that touch lie nearer than others, inside of the picture, the same each time")
    func layout() {
        let edges = (0..<9).map { EpisodeReading.Edge(from: $0, to: $0 + 1) }
        let layout = SpringLayout(nodes: 10, edges: edges)
        func distance(_ one: Int, _ other: Int) -> Double {
            hypot(
                layout.places[one].x - layout.places[other].x,
                layout.places[one].y - layout.places[other].y
            )
        }

        #expect(layout.places.allSatisfy { (0...1).contains($0.x) && (0...1).contains($0.y) })
        #expect(distance(0, 1) < distance(0, 5) && distance(4, 5) < distance(0, 9))
        let again = SpringLayout(nodes: 10, edges: edges)
        #expect(zip(layout.places, again.places).allSatisfy { $0.x == $1.x && $0.y == $1.y })
    }
}
