internal import FoundationEssentials

/// A figure as values: a trainer, a monitor or an evaluation says what is to be seen, the report draws it.
/// Neither knows the other.
public struct Figure: Sendable, Equatable, Codable {
    /// The heading.
    public var title: String
    /// A sentence below it: what is shown, and how to read it.
    public var caption: String
    /// What is drawn.
    public var content: Content

    /// Makes a figure.
    public init(_ title: String, caption: String = "", _ content: Content) {
        self.title = title
        self.caption = caption
        self.content = content
    }

    /// What a figure can be.
    public enum Content: Sendable, Equatable, Codable {
        /// Lines over a common horizontal axis.
        case lines(Lines)
        /// Bars in groups.
        case bars(Bars)
        /// One row for each name: a value and where it may lie.
        case intervals(Intervals)
        /// A matrix of values as shades.
        case heatMap(HeatMap)
        /// Nodes and weighted edges.
        case graph(Graph)
        /// A text whose spans belong to groups.
        case annotatedText(AnnotatedText)
    }

    /// Lines over a common horizontal axis.
    public struct Lines: Sendable, Equatable, Codable {
        /// One line.
        public struct Series: Sendable, Equatable, Codable {
            /// Its name.
            public var name: String
            /// The horizontal coordinates, ascending.
            public var x: [Double]
            /// The values, as many.
            public var y: [Double]

            /// Makes a line.
            public init(_ name: String, x: [Double], y: [Double]) {
                self.name = name
                self.x = x
                self.y = y
            }
        }

        /// How an axis places its values.
        public enum Scale: String, Sendable, Equatable, Codable {
            /// In proportion.
            case linear
            /// By order of magnitude; only positive values have a place.
            case logarithmic
        }

        /// What the horizontal axis counts.
        public var xName: String
        /// What the vertical axis counts.
        public var yName: String
        /// How the horizontal axis places its values.
        public var xScale: Scale
        /// How the vertical axis places its values.
        public var yScale: Scale
        /// The lines.
        public var series: [Series]

        /// Gathers lines.
        public init(
            xName: String,
            yName: String,
            xScale: Scale = .linear,
            yScale: Scale = .linear,
            series: [Series]
        ) {
            self.xName = xName
            self.yName = yName
            self.xScale = xScale
            self.yScale = yScale
            self.series = series
        }

        /// Reads lines; an axis whose scale is not given is linear.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                xName: try values.decode(String.self, forKey: .xName),
                yName: try values.decode(String.self, forKey: .yName),
                xScale: try values.decodeIfPresent(Scale.self, forKey: .xScale) ?? .linear,
                yScale: try values.decodeIfPresent(Scale.self, forKey: .yScale) ?? .linear,
                series: try values.decode([Series].self, forKey: .series)
            )
        }
    }

    /// Bars in groups.
    public struct Bars: Sendable, Equatable, Codable {
        /// The bars of one name, one for each group.
        public struct Series: Sendable, Equatable, Codable {
            /// Its name.
            public var name: String
            /// One value for each group; nil leaves a gap.
            public var values: [Double?]

            /// Gathers bars.
            public init(_ name: String, values: [Double?]) {
                self.name = name
                self.values = values
            }
        }

        /// What the groups are.
        public var xName: String
        /// What the bars count.
        public var yName: String
        /// The groups' names.
        public var groups: [String]
        /// The bars.
        public var series: [Series]

        /// Gathers bars.
        public init(xName: String, yName: String, groups: [String], series: [Series]) {
            self.xName = xName
            self.yName = yName
            self.groups = groups
            self.series = series
        }
    }

    /// One row for each name: a value and where it may lie.
    public struct Intervals: Sendable, Equatable, Codable {
        /// One row.
        public struct Row: Sendable, Equatable, Codable {
            /// Its name.
            public var name: String
            /// The value.
            public var value: Double
            /// Where it may lie; nil where that is not known.
            public var interval: Interval?

            /// Makes a row.
            public init(_ name: String, value: Double, interval: Interval? = nil) {
                self.name = name
                self.value = value
                self.interval = interval
            }
        }

        /// What values count.
        public var xName: String
        /// The rows, from the top.
        public var rows: [Row]

        /// Gathers rows.
        public init(xName: String, rows: [Row]) {
            self.xName = xName
            self.rows = rows
        }
    }

    /// A matrix of values as shades.
    public struct HeatMap: Sendable, Equatable, Codable {
        /// The names of the rows, from the top.
        public var rows: [String]
        /// The names of the columns, from the left.
        public var columns: [String]
        /// `values[row][column]`.
        public var values: [[Double]]

        /// Makes a matrix.
        public init(rows: [String], columns: [String], values: [[Double]]) {
            self.rows = rows
            self.columns = columns
            self.values = values
        }
    }

    /// Nodes and weighted edges.
    public struct Graph: Sendable, Equatable, Codable {
        /// A node.
        public struct Node: Sendable, Equatable, Codable {
            /// Its name.
            public var name: String
            /// Decides its size; at least 0.
            public var weight: Double

            /// Makes a node.
            public init(_ name: String, weight: Double = 1) {
                self.name = name
                self.weight = weight
            }
        }

        /// An edge.
        public struct Edge: Sendable, Equatable, Codable {
            /// The index of the node it leaves.
            public var from: Int
            /// The index of the node it reaches.
            public var to: Int
            /// Decides its strength; at least 0.
            public var weight: Double

            /// Makes an edge.
            public init(from: Int, to: Int, weight: Double = 1) {
                self.from = from
                self.to = to
                self.weight = weight
            }
        }

        /// The nodes.
        public var nodes: [Node]
        /// The edges.
        public var edges: [Edge]
        /// Whether edges have a direction.
        public var isDirected: Bool

        /// Makes a graph.
        public init(nodes: [Node], edges: [Edge], isDirected: Bool = true) {
            self.nodes = nodes
            self.edges = edges
            self.isDirected = isDirected
        }
    }

    /// A text whose spans belong to groups.
    public struct AnnotatedText: Sendable, Equatable, Codable {
        /// A piece of the text.
        public struct Span: Sendable, Equatable, Codable {
            /// The piece.
            public var text: String
            /// The index of its group; nil for none.
            public var group: Int?

            /// Makes a piece.
            public init(_ text: String, group: Int? = nil) {
                self.text = text
                self.group = group
            }
        }

        /// The groups' names.
        public var groups: [String]
        /// The pieces in order.
        public var spans: [Span]

        /// Makes a text.
        public init(groups: [String], spans: [Span]) {
            self.groups = groups
            self.spans = spans
        }
    }
}

extension [String: Double] {
    /// The first name, in order, whose value is not finite.
    var notFinite: String? { keys.sorted().first { self[$0]?.isFinite == false } }
}

extension [Figure] {
    /// The first figure with a number that is not finite, in words.
    var notFinite: String? {
        // An encoder refuses what is not finite, wherever in a figure it is.
        first { (try? JSONEncoder().encode($0)) == nil }.map { "the figure '\($0.title)'" }
    }
}
