/// The judge of `sft`: it verifies every public response and measures pass@1.
package typealias SupervisedJudge = LanguageJudge<SupervisedSettings>
