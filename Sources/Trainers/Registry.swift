package import Contract

extension Registry {
    /// The trainers, monitors and guards that ship with Tributary. A new one is one folder and one line here.
    package static let shipped = Registry(
        trainers: [
            TrainerEntry(RLVRTrainer.self, judge: RLVRJudge.self),
            TrainerEntry(SupervisedTrainer.self, judge: SupervisedJudge.self),
            TrainerEntry(RETTrainer.self, judge: RETJudge.self),
            TrainerEntry(FeatureBlockingTrainer.self, judge: FeatureBlockingJudge.self),
            TrainerEntry(STACCATrainer.self, judge: STACCAJudge.self),
        ],
        monitors: [
            MonitorEntry(AnswerDriftMonitor.self),
            MonitorEntry(RETMonitor.self),
            MonitorEntry(FeatureMonitor.self),
        ],
        guards: [
            GuardEntry(BoundsGuard.self),
            GuardEntry(FeatureGuard.self),
        ]
    )
}
