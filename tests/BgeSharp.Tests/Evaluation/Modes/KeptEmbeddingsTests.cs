using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Retrieval.Embedded;
using BgeSharp.Tests.Formats;

namespace BgeSharp.Tests.Evaluation.Modes;

public sealed class KeptEmbeddingsTests : IDisposable
{
    private static readonly string[] s_texts = ["ab cd", "ef", "gh ab c"];
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private EmbeddingModes Kept => EmbeddingShard.OutputsOf(Path.Combine(_folder["index"], "embeddings-00000.safetensors"));

    // How many texts were encoded for it. What is there is what an embedding in memory has.
    private int Encoded(EmbeddingModes asked, string key = "k", params string[] texts)
    {
        var encoder = new LetterEncoder();
        using EmbeddedCorpus corpus = new EvaluatedModel(encoder, new LetterTokenizer()).Embed(texts.Length > 0 ? texts : s_texts, asked, _folder["index"], key);
        using EmbeddedCorpus expected = LetterModel.Create().Embed(texts.Length > 0 ? texts : s_texts, asked, null, "");
        for (int row = 0; row < expected.Count; row++)
        {
            Assert.True(!asked.HasFlag(EmbeddingModes.Dense) || corpus.Dense![row].SequenceEqual(expected.Dense![row]));
            Assert.True(!asked.HasFlag(EmbeddingModes.Sparse) || corpus.TermsOf(row).Terms.Span.SequenceEqual(expected.TermsOf(row).Terms.Span));
            Assert.True(!asked.HasFlag(EmbeddingModes.MultiVector) || corpus.VectorsOf(row).SequenceEqual(expected.VectorsOf(row)));
        }
        return encoder.Texts;
    }

    [Fact]
    public void What_has_more_than_is_asked_for_serves_and_what_has_other_outputs_is_made_anew_with_both()
    {
        Assert.Equal(EmbeddingModes.None, Kept);
        Assert.Equal((3, EmbeddingModes.Dense), (Encoded(EmbeddingModes.Dense), Kept));
        Assert.Equal((3, EmbeddingModes.Dense | EmbeddingModes.Sparse), (Encoded(EmbeddingModes.Sparse), Kept));
        foreach (EmbeddingModes asked in (EmbeddingModes[])[EmbeddingModes.Dense, EmbeddingModes.Sparse, EmbeddingModes.Dense | EmbeddingModes.Sparse])
        {
            Assert.Equal((0, EmbeddingModes.Dense | EmbeddingModes.Sparse), (Encoded(asked), Kept));
        }
        Assert.Equal((3, EmbeddingModes.All), (Encoded(EmbeddingModes.MultiVector), Kept));
        Assert.Equal((0, EmbeddingModes.All), (Encoded(EmbeddingModes.Dense), Kept));
    }

    [Fact]
    public void What_was_kept_of_another_corpus_or_model_is_not_made_of_this_one()
    {
        Assert.Equal((3, EmbeddingModes.All), (Encoded(EmbeddingModes.All), Kept));
        Assert.Equal((2, EmbeddingModes.Dense), (Encoded(EmbeddingModes.Dense, "k", "xy", "z"), Kept));
        Assert.Equal((3, EmbeddingModes.All), (Encoded(EmbeddingModes.All), Kept));
        Assert.Equal((3, EmbeddingModes.Sparse), (Encoded(EmbeddingModes.Sparse, "another model"), Kept));
    }

    [Fact]
    public void The_fusion_by_rank_asks_for_no_vectors_of_tokens()
    {
        Assert.Equal(EmbeddingModes.Dense | EmbeddingModes.Sparse, ModeSearch.Outputs([RetrievalMode.Parse("rrf")], new LetterEncoder()));
        Assert.Equal(EmbeddingModes.Dense, ModeSearch.Outputs([RetrievalMode.Parse("rrf")], new LetterEncoder(EmbeddingModes.Dense)));
        Assert.Equal(EmbeddingModes.All, ModeSearch.Outputs([RetrievalMode.Parse("hybrid")], new LetterEncoder()));
    }
}
