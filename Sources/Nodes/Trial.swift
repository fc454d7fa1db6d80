internal import Exchange
internal import Ledger
internal import Models
internal import Randomness
internal import Tensors
internal import Text
internal import Topology
public import Trainers

/// Trying a topology's model outside of a federation: evaluating an adapter, completing a prompt.
public struct Trial {
    private let job: Job

    /// Tries the model of a job.
    public init(_ job: Job) { self.job = job }

    /// What an adapter achieves on the topology's held-out set.
    ///
    /// - Parameter folder: A PEFT folder; nil for the base model.
    /// - Throws: `CheckpointError` or `AdapterError` for a folder that does not fit the model.
    public func evaluate(adapterFolder folder: String?) throws -> Evaluation {
        Compute.configure(threads: job.topology.coordinator.threads)
        let judge = try job.makeJudge()
        return try judge.evaluate(try adapter(folder, like: judge.initialAdapter()), round: 0)
    }

    private func adapter(_ folder: String?, like initial: AdapterWeights) throws -> AdapterWeights {
        guard let folder else { return initial }
        let (weights, configuration) = try PEFTDirectory.read(from: folder)
        guard weights.hasSameLayout(as: initial) else {
            throw NodeError(
                .data,
                "\(folder): the adapter (rank \(configuration.rank), \(configuration.targets.joined(separator: ", "))) "
                    + "does not have the layout that the topology's `adapter` describes"
            )
        }
        return weights
    }
}
