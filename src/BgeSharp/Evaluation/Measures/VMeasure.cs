// Agreement of clusters with classes by entropy (Rosenberg and Hirschberg 2007): homogeneity asks that a cluster holds one class,
// completeness that a class lies in one cluster, V is their harmonic mean. Neither knows or needs which cluster is which class.

namespace BgeSharp.Evaluation.Measures;

/// <summary>V-measure and its two parts, 0 to 1.</summary>
/// <param name="Homogeneity">1 − H(class | cluster) / H(class); 1 when there is one class.</param>
/// <param name="Completeness">1 − H(cluster | class) / H(cluster); 1 when there is one cluster.</param>
public sealed record VMeasure(double Homogeneity, double Completeness)
{
    /// <summary>Harmonic mean of both; 0 when both are 0.</summary>
    public double V => Homogeneity + Completeness > 0 ? 2 * Homogeneity * Completeness / (Homogeneity + Completeness) : 0;

    /// <summary>Compares clusters with classes.</summary>
    /// <param name="clusters">Cluster numbers.</param>
    /// <param name="classes">Class numbers, same length.</param>
    public static VMeasure Of(ReadOnlySpan<int> clusters, ReadOnlySpan<int> classes)
    {
        if (clusters.Length != classes.Length)
        {
            throw new ArgumentException($"{clusters.Length} clusters and {classes.Length} classes cannot be compared", nameof(classes));
        }
        var joint = new Dictionary<(int, int), int>();
        var byCluster = new Dictionary<int, int>();
        var byClass = new Dictionary<int, int>();
        for (int i = 0; i < classes.Length; i++)
        {
            joint[(clusters[i], classes[i])] = joint.GetValueOrDefault((clusters[i], classes[i])) + 1;
            byCluster[clusters[i]] = byCluster.GetValueOrDefault(clusters[i]) + 1;
            byClass[classes[i]] = byClass.GetValueOrDefault(classes[i]) + 1;
        }
        double both = Entropy(joint.Values, classes.Length), cluster = Entropy(byCluster.Values, classes.Length), label = Entropy(byClass.Values, classes.Length);
        return new VMeasure(Share(both - cluster, label), Share(both - label, cluster));
    }

    // 1 − conditional / total; rounding may leave a little below 0.
    private static double Share(double conditional, double total) => total > 1e-12 ? Math.Clamp(1 - (conditional / total), 0, 1) : 1;

    private static double Entropy(IEnumerable<int> counts, double total) => counts.Sum(c => -(c / total) * Math.Log(c / total));
}
