/// The judge of `rlvr`: it verifies every public response and measures pass@1.
public typealias RLVRJudge = LanguageJudge<RLVRSettings>
