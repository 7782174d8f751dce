import plotly.express as px
import plotly.graph_objects as go
from IPython.display import HTML, Markdown, display
from plotly.subplots import make_subplots

df = px.data.stocks()
fig = px.line(df, x="date", y=["GOOG", "AAPL"], title="Stocks")
fig.update_layout(template="plotly_white", hovermode="x unified")
fig.show()
candles = go.Figure(data=[go.Candlestick(x=df["date"], open=df.GOOG, high=df.GOOG, low=df.GOOG, close=df.GOOG)])
sub = make_subplots(rows=2, cols=1, shared_xaxes=True)
sub.add_trace(go.Scatter(x=df.date, y=df.AAPL, mode="lines", name="AAPL"), row=1, col=1)
candles.write_html("candles.html")
display(df.head())
display(HTML("<h2>Report</h2><table><tr><td>1</td></tr></table>"))
display(Markdown("**done** in `one` step"))
sub
