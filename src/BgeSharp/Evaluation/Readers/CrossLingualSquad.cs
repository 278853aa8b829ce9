// Questions in one language, paragraphs in others: parallel SQuAD files (XQuAD) carry the same question ids, so the paragraph that holds a question's id in
// another file is its answer there. With several paragraph files the pool is all of them, and every parallel paragraph is relevant.

using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads parallel SQuAD files.</summary>
public static class CrossLingualSquad
{
    /// <summary>Questions of one file over the paragraphs of others.</summary>
    /// <param name="questions">SQuAD file whose questions are asked.</param>
    /// <param name="paragraphs">SQuAD files whose paragraphs are searched; passage ids get the file's number in front.</param>
    /// <exception cref="BadInput">A file shares no question id with the questions.</exception>
    public static TestCollection Load(string questions, IReadOnlyList<string> paragraphs)
    {
        RetrievalSet asked = SquadFile.Load(questions);
        var corpus = new List<Passage>();
        var qrels = new Qrels();
        for (int file = 0; file < paragraphs.Count; file++)
        {
            RetrievalSet other = SquadFile.Load(paragraphs[file]);
            string prefix = paragraphs.Count > 1 ? FormattableString.Invariant($"{file}:") : "";
            corpus.AddRange(other.Corpus.Select(p => p with { Id = prefix + p.Id }));
            int before = qrels.Count;
            foreach (Query query in asked.Queries)
            {
                foreach ((string passage, int grade) in other.Qrels[query.Id])
                {
                    qrels.Add(query.Id, prefix + passage, grade);
                }
            }
            if (qrels.Count == before)
            {
                throw new BadInput($"{paragraphs[file]}: shares no question id with {questions}; files of one parallel set are needed.");
            }
        }
        string name = $"{asked.Name}→{(paragraphs.Count == 1 ? TextRows.NameOf(paragraphs[0]) : $"{paragraphs.Count} languages")}";
        Query[] answered = [.. asked.Queries.Where(q => qrels.Contains(q.Id))];
        int alone = asked.Queries.Count - answered.Length;
        return new TestCollection(new RetrievalSet(name, corpus, answered, qrels))
        {
            LeftOut = alone > 0 ? [FormattableString.Invariant($"{alone} questions have no parallel paragraph and are left out.")] : [],
        };
    }
}
