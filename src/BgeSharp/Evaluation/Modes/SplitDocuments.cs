// Long documents as passages that fit the model, and the way back: a document takes the score of its best passage (MaxP, Dai and Callan 2019).
// Nothing of a document is lost to truncation; the corpus grows by the number of passages.

using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Text;

namespace BgeSharp.Evaluation.Modes;

/// <summary>A set whose documents are split.</summary>
public sealed class SplitDocuments
{
    private SplitDocuments(RetrievalSet passages, int[] documentOf) => (Passages, DocumentOf) = (passages, documentOf);

    /// <summary>The same queries over passages; passage ids are the document's id, "#" and a number.</summary>
    public RetrievalSet Passages { get; }

    /// <summary>Row of the document of each passage, ascending.</summary>
    public int[] DocumentOf { get; }

    /// <summary>Splits a set.</summary>
    /// <param name="set">Documents; a title goes into each of its passages.</param>
    /// <param name="tokenizer">Measures passages.</param>
    /// <param name="maxTokens">Longest passage in tokens, title and special tokens included.</param>
    public static SplitDocuments Of(RetrievalSet set, ITokenizer tokenizer, int maxTokens)
    {
        var passages = new List<Passage>();
        var owners = new List<int>();
        for (int d = 0; d < set.Corpus.Count; d++)
        {
            Passage document = set.Corpus[d];
            int taken = document.Title.Length > 0 ? Math.Min(maxTokens / 2, tokenizer.Encode(document.Title).Length) : 0, part = 0;
            foreach (string text in PassageSplitter.Split(document.Text, tokenizer, Math.Max(1, maxTokens - 2 - taken)).DefaultIfEmpty(""))
            {
                passages.Add(new Passage(FormattableString.Invariant($"{document.Id}#{part++}"), document.Title, text));
                owners.Add(d);
            }
        }
        return new SplitDocuments(set with { Corpus = passages }, [.. owners]);
    }

    /// <summary>Rankings of documents from rankings of passages.</summary>
    /// <param name="hits">Hits of query i; rows are passages.</param>
    /// <param name="top">At most this many documents.</param>
    public SearchHit[][] ToDocuments(SearchHit[][] hits, int top) =>
        [.. hits.Select(ranking => ranking.Select(h => h with { Row = DocumentOf[h.Row] }).DistinctBy(h => h.Row).Take(top).ToArray())];
}
