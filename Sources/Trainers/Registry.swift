/// The trainers that ship with Tributary. A new trainer is one folder and one line here.
public enum TrainerRegistry {
    /// All trainers, by name.
    public static let all: [TrainerEntry] = [
        TrainerEntry(RLVRTrainer.self, judge: RLVRJudge.self),
        TrainerEntry(SupervisedTrainer.self, judge: SupervisedJudge.self),
    ]

    /// The trainer of a name.
    ///
    /// - Throws: `SettingsFault` naming the trainers there are.
    public static func entry(named name: String) throws(SettingsFault) -> TrainerEntry {
        guard let entry = all.first(where: { $0.name == name }) else {
            let known = all.map(\.name).sorted().joined(separator: ", ")
            throw SettingsFault(key: "trainer", reason: "'\(name)' is unknown; known are \(known)")
        }
        return entry
    }
}
