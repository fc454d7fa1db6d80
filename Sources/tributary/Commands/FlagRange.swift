internal import ArgumentParser
internal import Models

/// Numbers of flags, which are checked in the precision they are used in.
enum FlagRange {
    /// Throws a usage error unless a flag's number is in its range.
    static func require<Number: Comparable>(_ value: Number, in range: ClosedRange<Number>, _ flag: String)
        throws
    {
        guard range.contains(value) else {
            throw ValidationError(
                "\(flag): found \(value), expected \(range.lowerBound) to \(range.upperBound)."
            )
        }
    }

    /// Throws a usage error unless logits can be divided by a temperature; 0 takes the likeliest.
    static func requireTemperature(_ value: Float) throws {
        guard SamplingSettings.isTemperature(value) else {
            throw ValidationError("temperature: found \(value), expected 0, or 0.001 to 100.")
        }
    }
}
