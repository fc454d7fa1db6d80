internal import Contract

/// JSON has the measure once, and the score of each run under the measure's key.
extension Reproduction: Codable {
    /// Reads what `encode(to:)` wrote, and files without a measure.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: AnyCodingKey.self)
        let measure = try values.decode(Measure.self, forKey: "measure")
        var methods: [Method] = []
        var list = try values.nestedUnkeyedContainer(forKey: "methods")
        while !list.isAtEnd {
            let method = try list.nestedContainer(keyedBy: AnyCodingKey.self)
            var runs: [Run] = []
            var items = try method.nestedUnkeyedContainer(forKey: "runs")
            while !items.isAtEnd {
                let run = try items.nestedContainer(keyedBy: AnyCodingKey.self)
                runs.append(
                    Run(
                        seed: try run.decode(UInt64.self, forKey: "seed"),
                        score: try run.decode(Score.self, forKey: AnyCodingKey(measure.key)),
                        metrics: try run.decode([String: Double].self, forKey: "metrics")
                    )
                )
            }
            methods.append(Method(name: try method.decode(String.self, forKey: "name"), runs: runs))
        }
        self.init(
            title: try values.decode(String.self, forKey: "title"),
            topology: try values.decode(String.self, forKey: "topology"),
            measure: measure,
            base: try values.decodeIfPresent(Score.self, forKey: "base"),
            methods: methods,
            comparisons: try values.decode([Comparison].self, forKey: "comparisons"),
            settings: try values.decode([Setting].self, forKey: "settings")
        )
    }

    /// Writes the score of each run under the measure's key.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: AnyCodingKey.self)
        try values.encode(title, forKey: "title")
        try values.encode(topology, forKey: "topology")
        try values.encode(measure, forKey: "measure")
        try values.encodeIfPresent(base, forKey: "base")
        try values.encode(comparisons, forKey: "comparisons")
        try values.encode(settings, forKey: "settings")
        var list = values.nestedUnkeyedContainer(forKey: "methods")
        for method in methods {
            var item = list.nestedContainer(keyedBy: AnyCodingKey.self)
            try item.encode(method.name, forKey: "name")
            var runs = item.nestedUnkeyedContainer(forKey: "runs")
            for run in method.runs {
                var entry = runs.nestedContainer(keyedBy: AnyCodingKey.self)
                try entry.encode(run.seed, forKey: "seed")
                try entry.encode(run.score, forKey: AnyCodingKey(measure.key))
                try entry.encode(run.metrics, forKey: "metrics")
            }
        }
    }
}
