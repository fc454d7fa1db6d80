import Contract
import Randomness
import Testing

@testable import Aggregation

/// Values computed when pool rules still saw payloads and pairs were found by name: the results of runs
/// must not change by a bit.
@Suite("Results of earlier versions")
struct GoldenTests {
    @Test("the swaps of one step, written as client.item.index<source.index")
    func swaps() throws {
        let expected = [
            "balanced": "0.0.0<2.3 0.0.1<1.3 0.1.0<1.3",
            "none": "",
            "random":
                "0.0.0<2.1 0.0.1<1.2 0.0.2<2.2 0.0.3<2.3 0.1.0<2.1 0.1.2<1.1 0.1.3<1.0 1.0.0<0.2 "
                + "1.0.1<2.2 1.0.2<2.0 1.0.3<2.1 1.1.0<2.0 1.1.2<2.2 1.1.3<0.1 2.0.1<1.2 2.0.2<0.3 "
                + "2.0.3<1.1 2.1.1<1.3 2.1.2<1.2 2.1.3<0.1",
            "replaceAll":
                "0.0.0<1.2 0.0.1<2.3 0.0.2<1.3 0.0.3<1.1 0.1.0<1.3 0.1.2<2.1 0.1.3<2.0 1.0.0<2.2",
        ]
        for (name, text) in expected {
            var swaps: [String] = []
            let rule = try #require(PoolRules.named(name))
            for (client, entry) in try PoolCase.all[56].outcome(rule).pools.enumerated() {
                for (item, group) in entry.pool.groups.enumerated() {
                    for swap in group.replacements {
                        swaps.append("\(client).\(item).\(swap.index)<\(swap.payload[0]).\(swap.payload[2])")
                    }
                }
            }
            #expect(swaps.joined(separator: " ") == text)
        }
    }

    @Test("the swaps of three hundred steps, as a hash")
    func manySwaps() throws {
        let expected: [String: UInt64] = [
            "balanced": 0xa19e_8088_4102_3098, "none": Hash().value,
            "random": 0x5bfa_61d7_6a7a_160b, "replaceAll": 0xf502_dc45_2bd4_1eb4,
        ]
        for (name, value) in expected {
            var hash = Hash()
            let rule = try #require(PoolRules.named(name))
            for example in PoolCase.all {
                for (client, entry) in try example.outcome(rule).pools.enumerated() {
                    for (item, group) in entry.pool.groups.enumerated() {
                        for swap in group.replacements {
                            let source = (client: UInt64(swap.payload[0]), index: UInt64(swap.payload[2]))
                            hash.feed([UInt64(client), UInt64(item), UInt64(swap.index)])
                            hash.feed([source.client, source.index, swap.score.bitPattern])
                        }
                    }
                }
            }
            #expect(hash.value == value, "\(name)")
        }
    }

    @Test("merged adapters of three pairs and two dense arrays, as a hash of their bits")
    func merges() throws {
        let expected: [Weighting: [String: UInt64]] = [
            .uniform: [
                "factors": 0x6d98_269b_4a47_a947, "product": 0x5def_55f1_a70c_6f96,
                "frozenA": 0xc05e_f2d6_d71a_5f18, "median": 0xcd41_0f2e_f90d_a70b,
            ],
            .examples: [
                "factors": 0x768e_7480_3299_96f3, "product": 0x684f_2afc_3571_46a7,
                "frozenA": 0x955c_2bd4_053e_8706, "median": 0xcd41_0f2e_f90d_a70b,
            ],
        ]
        for (weighting, values) in expected {
            for (name, value) in values {
                var hash = Hash()
                let rule = try #require(DeltaRules.named(name))
                for seed in 0..<UInt64(20) {
                    let result = try Aggregate(
                        of: (0..<4).map { client in
                            Contribution(
                                client: "client-\(client)",
                                delta: adapter(seed, "delta \(client)", scale: 0.3),
                                examples: 10 + 7 * client
                            )
                        },
                        broadcast: adapter(seed, "broadcast", scale: 1),
                        rule: rule,
                        weighting: weighting
                    )
                    for array in result.adapter.arrays {
                        hash.feed(array.values.map { UInt64($0.bitPattern) })
                    }
                }
                #expect(hash.value == value, "\(name), \(weighting)")
            }
        }
    }

    private func adapter(_ seed: UInt64, _ label: String, scale: Double) -> AdapterWeights {
        func array(_ name: String, _ shape: [Int], _ part: AdapterPart = .averaged) -> NamedArray {
            var stream = RandomStream(seed: seed, label, name)
            let values = (0..<shape.reduce(1, *)).map { _ in Float(scale * (2 * stream.uniform() - 1)) }
            return NamedArray(name: name, shape: shape, values: values, part: part)
        }
        var arrays = [array("head.bias", [5]), array("layers.1.mid", [4, 2])]
        for (module, rank, input, output) in [("1", 3, 11, 7), ("0", 2, 5, 6), ("10", 2, 9, 9)] {
            let name = "layers.\(module)"
            arrays.append(array(name + ".lora_A.weight", [rank, input], .lowRank(.a, module: name)))
            arrays.append(array(name + ".lora_B.weight", [output, rank], .lowRank(.b, module: name)))
        }
        return AdapterWeights(arrays)
    }
}

/// FNV-1a over 64-bit words.
private struct Hash {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func feed(_ words: [UInt64]) {
        for word in words { value = (value ^ word) &* 0x100_0000_01b3 }
    }
}
