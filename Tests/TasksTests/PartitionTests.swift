import Foundation
import Randomness
import Testing

@testable import Tasks

@Suite struct PartitionTests {
    private let topics = (0..<300).map { ["algebra", "geometry", "counting"][$0 % 3] }

    @Test(
        "parts are disjoint, cover everything and come out the same again",
        arguments: [
            Partition.byTopic, .iid, .dirichlet(alpha: 0.05), .dirichlet(alpha: 1), .dirichlet(alpha: 1000),
        ]
    )
    func cover(partition: Partition) {
        for parts in [1, 2, 3, 7, 400] {
            var stream = RandomStream(seed: 9, "split")
            var again = RandomStream(seed: 9, "split")

            let split = partition.split(topics: topics, parts: parts, from: &stream)

            #expect(split.count == parts)
            #expect(split.joined().sorted() == Array(topics.indices))
            #expect(split.allSatisfy { $0 == $0.sorted() })
            #expect(partition.split(topics: topics, parts: parts, from: &again) == split)
        }
        var stream = RandomStream(seed: 1)
        #expect(partition.split(topics: [], parts: 2, from: &stream) == [[], []])
    }

    @Test("by topic, a part holds whole topics, or shares one when there are more parts than topics")
    func byTopic() {
        var stream = RandomStream(seed: 1)

        let two = Partition.byTopic.split(topics: topics, parts: 2, from: &stream)
        let six = Partition.byTopic.split(topics: topics, parts: 6, from: &stream)

        #expect(two.map { Set($0.map { topics[$0] }) } == [["algebra", "geometry"], ["counting"]])
        #expect(six.map(\.count) == [50, 50, 50, 50, 50, 50])
        #expect(six.allSatisfy { part in Set(part.map { topics[$0] }).count == 1 })
    }

    @Test("iid parts are equal to within one")
    func iid() {
        var stream = RandomStream(seed: 1)

        let sizes = Partition.iid.split(topics: topics, parts: 7, from: &stream).map(\.count)

        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }

    @Test("a small alpha gives most of a topic to one part, a large one gives all the same")
    func alpha() {
        func share(_ alpha: Double) -> Double {
            var stream = RandomStream(seed: 4, "alpha")
            let draws = (0..<200).map { _ in stream.dirichlet(alpha: alpha, count: 4).max() ?? 0 }
            return draws.reduce(0, +) / 200
        }

        #expect(share(0.01) > 0.95)
        #expect(share(1000) < 0.28)
    }

    @Test("gamma variates have their mean and variance", arguments: [0.2, 0.9, 1, 3.5, 40])
    func gamma(shape: Double) {
        var stream = RandomStream(seed: 11, "gamma")
        let count = 20_000.0

        let draws = (0..<Int(count)).map { _ in exp(stream.logGamma(shape: shape)) }

        let mean = draws.reduce(0, +) / count
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        #expect(abs(mean - shape) < 5 * (shape / count).squareRoot())
        #expect(abs(variance / shape - 1) < 0.15)
    }

    @Test("proportions sum to one even for a vanishing alpha")
    func vanishing() {
        var stream = RandomStream(seed: 2)

        let proportions = stream.dirichlet(alpha: 1e-6, count: 10)

        #expect(abs(proportions.reduce(0, +) - 1) < 1e-12)
    }

    @Test("settings name the rules there are")
    func settings() throws {
        func rule(_ text: String) throws -> Partition {
            try JSONDecoder().decode(Partition.self, from: Data(text.utf8))
        }

        #expect(try rule(#"{"rule": "byTopic"}"#) == .byTopic)
        #expect(try rule(#"{"rule": "dirichlet", "alpha": 0.5}"#) == .dirichlet(alpha: 0.5))
        #expect(throws: DecodingError.self) { try rule(#"{"rule": "dirichlet", "alpha": 0}"#) }
        #expect(throws: DecodingError.self) { try rule(#"{"rule": "random"}"#) }
    }
}
