import './base.css';
import '../../jupyter_autocoder/widgets/card.css';
