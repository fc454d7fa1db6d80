internal import Contract

extension Topology {
    /// A value of a topology that is another one than before.
    package struct Change: Sendable, Equatable, CustomStringConvertible {
        /// The key, such as `rounds.deadlines.update` or `clients[2].data.limit`.
        package let key: String
        /// What stands there now, as JSON; `nothing` where the key is gone.
        package let found: String
        /// What stood there before.
        package let earlier: String

        /// One line.
        package var description: String { "'\(key)' is \(found), it was \(earlier)" }

        /// Whether a run may go on with the new value: no round depends on it, and nothing that anybody learns from changes
        /// with it.
        package var isAllowed: Bool {
            // What is in the folder is compared by whoever reads it.
            key == "adapter.from"
                || ["rounds.count", "rounds.quorum", "rounds.deadlines", "monitors"].contains {
                    key.starts(with: $0)
                }
                || ["host", "port", "listen", "names"].contains { key.starts(with: "coordinator.\($0)") }
                || key.hasPrefix("clients[") && (key.hasSuffix(".host") || key.hasSuffix(".delay"))
        }
    }

    /// What differs from an earlier topology, defaults filled in, in the order of the resolved file.
    package func changes(from earlier: Topology) -> [Change] {
        var changes: [Change] = []
        Self.compare(resolved, earlier.resolved, at: "", into: &changes)
        // The folder means nothing where no path starts from it.
        let data = [model, publicData, evaluation, clientData] + clients.map(\.data)
        let usesFolder = startFolder != nil || data.contains { $0.namesFiles }
        return changes.filter { $0.key != "folder" || usesFolder }
    }

    /// The clients that are new since an earlier topology, sorted, and what else differs: clients that are gone among
    /// it. Nothing else may differ where a run under way takes new clients in.
    package func additions(to earlier: Topology) -> (clients: [String], others: [Change]) {
        var rest = self
        // In the earlier order, which means nothing.
        rest.clients = earlier.clients.compactMap { client(named: $0.name) }
        if !namesMembers, !earlier.namesMembers { rest.members = earlier.members }
        let gone = earlier.clients.map(\.name).filter { client(named: $0) == nil }
        let others =
            gone.isEmpty
            ? rest.changes(from: earlier)
            : gone.map { Change(key: "clients", found: "without '\($0)'", earlier: "with it") }
        let fresh = clients.map(\.name).filter { earlier.client(named: $0) == nil }
        return (fresh.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, others)
    }

    private static func compare(
        _ new: PlainValue?,
        _ old: PlainValue?,
        at key: String,
        into changes: inout [Change]
    ) {
        guard new != old else { return }
        switch (new, old) {
        case (.mapping(let new)?, .mapping(let old)?):
            let known = new.map(\.key)
            for name in known + old.map(\.key).filter({ !known.contains($0) }) {
                compare(
                    new.first { $0.key == name }?.value,
                    old.first { $0.key == name }?.value,
                    at: key.isEmpty ? name : "\(key).\(name)",
                    into: &changes
                )
            }
        case (.sequence(let new)?, .sequence(let old)?) where new.count == old.count:
            for (index, (new, old)) in zip(new, old).enumerated() {
                compare(new, old, at: "\(key)[\(index)]", into: &changes)
            }
        default:
            let text = { (value: PlainValue?) in value?.canonicalJSON ?? "nothing" }
            changes.append(Change(key: key, found: text(new), earlier: text(old)))
        }
    }
}
