internal import ArgumentParser
internal import Models

/// In which forms frozen matrices are measured.
struct BenchForms: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How matrices are kept, with commas: \(WeightForm.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "forms"
        ),
        transform: BenchForms.list
    )
    var weights: [WeightForm] = [.float32]

    private static func list(_ text: String) throws -> [WeightForm] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            if let form = WeightForm(rawValue: String(name)) { return form }
            let known = WeightForm.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("weights: found '\(name)', expected \(known).")
        }
    }

    /// This program as one side for each form.
    ///
    /// - Parameters:
    ///   - bench: The bench's name and its arguments but the form.
    ///   - options: Of all benches.
    ///   - cost: What a unit asks of the machine.
    func sides(
        _ bench: [String],
        _ options: BenchOptions,
        cost: (WeightForm) throws -> BenchCost? = { _ in nil }
    ) throws -> [BenchSide] {
        try weights.map { form in
            let name = "tributary \(form.rawValue)"
            let command = try options.own(bench + ["--weights", form.rawValue])
            return BenchSide(name: name, family: name, command: command, cost: try cost(form))
        }
    }
}

extension WeightForm {
    /// The arithmetic of its products.
    var arithmetic: BenchCeilings.Kind {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .int8: .int8
        }
    }
}
