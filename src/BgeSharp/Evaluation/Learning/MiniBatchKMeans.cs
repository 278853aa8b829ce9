// Mini-batch k-means (Sculley 2010) with k-means++ starts (Arthur and Vassilvitskii 2007): each batch moves the centres it is nearest to,
// by 1 / (points the centre has seen). A little worse than full k-means, in a fraction of the time; the seed decides everything random.


namespace BgeSharp.Evaluation.Learning;

/// <summary>Clusters vectors by distance.</summary>
public static class MiniBatchKMeans
{
    /// <summary>The cluster of each vector.</summary>
    /// <param name="vectors">[N, D] row-major.</param>
    /// <param name="dimension">D.</param>
    /// <param name="clusters">How many, 1 to N.</param>
    /// <param name="seed">The same seed gives the same clusters.</param>
    /// <param name="batch">Vectors of a step; C-MTEB uses 32.</param>
    /// <param name="epochs">Times the vectors are gone through at most; it ends earlier when no vector changes its cluster.</param>
    public static int[] Fit(float[] vectors, int dimension, int clusters, long seed = 1, int batch = 32, int epochs = 20)
    {
        int count = vectors.Length / dimension;
        ArgumentOutOfRangeException.ThrowIfLessThan(clusters, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clusters, count);
        var random = new SeededRandom(unchecked((ulong)seed));
        double[][] centres = Start(vectors, dimension, clusters, ref random);
        var seen = new long[clusters];
        int[] order = [.. Enumerable.Range(0, count)], assigned = Assign(vectors, dimension, centres);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            random.Shuffle<int>(order);
            foreach (int[] rows in order.Chunk(batch))
            {
                int[] nearest = [.. rows.Select(r => Nearest(Row(vectors, dimension, r), centres).Centre)];
                for (int i = 0; i < rows.Length; i++)
                {
                    Move(centres[nearest[i]], Row(vectors, dimension, rows[i]), 1.0 / ++seen[nearest[i]]);
                }
            }
            int[] now = Assign(vectors, dimension, centres);
            if (now.AsSpan().SequenceEqual(assigned))
            {
                break;
            }
            assigned = now;
        }
        return assigned;
    }

    // Each further centre is a vector drawn with a probability proportional to its squared distance from the centres so far.
    private static double[][] Start(float[] vectors, int dimension, int clusters, ref SeededRandom random)
    {
        int count = vectors.Length / dimension;
        var centres = new double[clusters][];
        var distances = new double[count];
        Array.Fill(distances, double.PositiveInfinity);
        int chosen = random.Next(count);
        for (int c = 0; c < clusters; c++)
        {
            centres[c] = [.. Row(vectors, dimension, chosen).ToArray().Select(x => (double)x)];
            for (int i = 0; i < count; i++)
            {
                distances[i] = Math.Min(distances[i], Distance(Row(vectors, dimension, i), centres[c]));
            }
            double left = random.NextDouble() * distances.Sum();
            for (chosen = 0; chosen < count - 1 && (left -= distances[chosen]) >= 0; chosen++)
            {
            }
        }
        return centres;
    }

    private static int[] Assign(float[] vectors, int dimension, double[][] centres)
    {
        var result = new int[vectors.Length / dimension];
        Parallel.For(0, result.Length, i => result[i] = Nearest(Row(vectors, dimension, i), centres).Centre);
        return result;
    }

    private static (int Centre, double Distance) Nearest(ReadOnlySpan<float> vector, double[][] centres)
    {
        (int Centre, double Distance) best = (0, double.PositiveInfinity);
        for (int c = 0; c < centres.Length; c++)
        {
            double distance = Distance(vector, centres[c]);
            best = distance < best.Distance ? (c, distance) : best;
        }
        return best;
    }

    private static ReadOnlySpan<float> Row(float[] vectors, int dimension, int row) => vectors.AsSpan(row * dimension, dimension);

    private static double Distance(ReadOnlySpan<float> vector, double[] centre)
    {
        double sum = 0;
        for (int d = 0; d < centre.Length; d++)
        {
            double difference = vector[d] - centre[d];
            sum += difference * difference;
        }
        return sum;
    }

    private static void Move(double[] centre, ReadOnlySpan<float> vector, double share)
    {
        for (int d = 0; d < centre.Length; d++)
        {
            centre[d] += share * (vector[d] - centre[d]);
        }
    }
}
