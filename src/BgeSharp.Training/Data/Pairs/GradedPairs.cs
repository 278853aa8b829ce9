// Sentence pairs with a grade (STS-B and its like) as training examples: the grade stands where a teacher's score would. Read as bge eval reads them.

using BgeSharp.Evaluation.Readers;

namespace BgeSharp.Training.Data.Pairs;

/// <summary>Reads graded sentence pairs.</summary>
public static class GradedPairs
{
    /// <summary>The pairs of a file, in order, streaming.</summary>
    /// <param name="path">Tab-separated (text, text, grade), or JSONL "sentence1", "sentence2", "score"; .gz allowed.</param>
    /// <exception cref="BadInput">A line is wrong; the message names file and line.</exception>
    public static IEnumerable<TrainingExample> Read(string path)
    {
        BadInput.RequireFile(path, "graded pairs");
        return PairScores.Stream(path).Select(pair => new TrainingExample(pair.First, [pair.Second], []) { PositiveScores = [pair.Score] });
    }
}
