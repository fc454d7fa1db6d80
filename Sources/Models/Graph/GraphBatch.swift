package import Tensors

/// States on graphs, one after the other: a row for each node. States on one graph should lie together, as some work is
/// then done once for all of them.
package struct GraphBatch {
    /// The graph of each of the S states; one structure shared by all states on a graph.
    package let structures: [GraphStructure]
    /// `[N, F]`: what a node shows to all that can reach it; N nodes in all.
    package let features: [Float]
    /// `[N, G]`: what only the node itself sees; empty where G is 0.
    package let own: [Float]

    /// A batch; the model checks that its sizes fit.
    package init(structures: [GraphStructure], features: [Float], own: [Float] = []) {
        self.structures = structures
        self.features = features
        self.own = own
    }

    /// N.
    package var rows: Int { structures.reduce(0) { $0 + $1.nodes } }
}
