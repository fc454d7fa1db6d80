/// The judge of `rlvr`: it verifies every public response and measures pass@1.
package typealias RLVRJudge = LanguageJudge<RLVRSettings>
